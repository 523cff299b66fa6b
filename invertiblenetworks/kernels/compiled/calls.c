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
#define INTERFACE_VERSION 5 /* the same as in `calls.py` */

static PyTypeObject *array_type, *structure_type; /* numpy.ndarray, ctypes.Structure */

static int as_address(PyObject *value, Word *word) {
  Py_buffer view;
  if (PyObject_GetBuffer(value, &view, PyBUF_STRIDES) < 0) return -1;
  word->address = view.buf;
  PyBuffer_Release(&view);
  return 0;
}

/* One argument, as its letter says: an array, a number, or a real number. */
static int as_word(char kind, PyObject *value, Word *word) {
  if (kind == 'n' && PyIndex_Check(value)) {
    word->number = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    return word->number == -1 && PyErr_Occurred() ? -1 : 0;
  }
  if (kind == 'r' && PyNumber_Check(value)) {
    word->real = PyFloat_AsDouble(value);
    return word->real == -1 && PyErr_Occurred() ? -1 : 0;
  }
  if (kind == 'a' && value == Py_None) {
    word->address = NULL;
    return 0;
  }
  if (kind == 'a' && (PyObject_TypeCheck(value, array_type) ||
                      PyObject_TypeCheck(value, structure_type)))
    return as_address(value, word);
  PyErr_Format(PyExc_TypeError, "cannot be passed: %R", value);
  return -1;
}

static PyObject *call(PyObject *module, PyObject *const *values, Py_ssize_t n) {
  (void)module;
  Word words[MOST_WORDS];
  Py_ssize_t n_words;
  void *function = n > 1 ? PyLong_AsVoidPtr(values[0]) : NULL;
  if (function == NULL) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "needs a function");
    return NULL;
  }
  const char *kinds = PyUnicode_AsUTF8AndSize(values[1], &n_words);
  if (kinds == NULL) return NULL;
  if (n - 2 != n_words || n_words > MOST_WORDS)
    return PyErr_Format(PyExc_TypeError, "needs %zd arguments, got %zd", n_words, n - 2);
  for (Py_ssize_t i = 0; i < n_words; i++)
    if (as_word(kinds[i], values[i + 2], &words[i]) < 0) return NULL;
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
  PyObject *module = PyModule_Create(&definition);
  if (module == NULL) return NULL;
  if (PyModule_AddIntConstant(module, "INTERFACE_VERSION", INTERFACE_VERSION) < 0) {
    Py_DECREF(module);
    return NULL;
  }
  return module;
}
