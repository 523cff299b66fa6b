/* Calls of compiled functions with arrays, sooner than ctypes makes them. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

/* The same as in `kernels.c`. */
typedef union {
  void *address;
  int64_t number;
  double real;
} Word;

#define MOST_WORDS 20

static PyTypeObject *array_type, *structure_type; /* numpy.ndarray, ctypes.Structure */

static int as_address(PyObject *value, Word *word) {
  Py_buffer view;
  if (PyObject_GetBuffer(value, &view, PyBUF_STRIDES) < 0) return -1;
  word->address = view.buf;
  PyBuffer_Release(&view);
  return 0;
}

static int as_word(PyObject *value, Word *word) {
  if (PyObject_TypeCheck(value, array_type)) return as_address(value, word);
  if (value == Py_None) {
    word->address = NULL;
  } else if (PyFloat_Check(value)) {
    word->real = PyFloat_AS_DOUBLE(value);
  } else if (PyIndex_Check(value)) {
    word->number = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (word->number == -1 && PyErr_Occurred()) return -1;
  } else if (PyObject_TypeCheck(value, structure_type)) {
    return as_address(value, word);
  } else {
    PyErr_Format(PyExc_TypeError, "cannot be passed: %R", value);
    return -1;
  }
  return 0;
}

static int as_words(PyObject *const *values, Py_ssize_t n, Word words[MOST_WORDS]) {
  if (n > MOST_WORDS) {
    PyErr_SetString(PyExc_TypeError, "too many arguments");
    return -1;
  }
  for (Py_ssize_t i = 0; i < n; i++)
    if (as_word(values[i], &words[i]) < 0) return -1;
  return 0;
}

static PyObject *call(PyObject *module, PyObject *const *values, Py_ssize_t n) {
  (void)module;
  Word words[MOST_WORDS];
  void *function = n ? PyLong_AsVoidPtr(values[0]) : NULL;
  if (function == NULL) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "needs a function");
    return NULL;
  }
  if (as_words(values + 1, n - 1, words) < 0) return NULL;
  Py_BEGIN_ALLOW_THREADS
  ((void (*)(const Word *))function)(words);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL,
     "Call the function at an address with a word for each argument."},
    {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_calls", NULL, -1,
                                        methods, NULL, NULL, NULL, NULL};

static PyTypeObject *type_of(const char *module_name, const char *name) {
  PyObject *module = PyImport_ImportModule(module_name);
  if (module == NULL) return NULL;
  PyObject *type = PyObject_GetAttrString(module, name);
  Py_DECREF(module);
  return (PyTypeObject *)type;
}

PyMODINIT_FUNC PyInit__calls(void) {
  array_type = type_of("numpy", "ndarray");
  structure_type = type_of("ctypes", "Structure");
  if (array_type == NULL || structure_type == NULL) return NULL;
  return PyModule_Create(&definition);
}
