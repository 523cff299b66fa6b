/* Functions as they are called from outside, with a word for each argument; the last
   header. */

#define ARRAY(i) ((REAL *)w[i].address)
#define ACTIVATION(i)                                      \
  ((NAME(Activation)){w[i].number, w[i + 1].real, w[i + 2].real, \
                      w[i + 2].real - w[i + 1].real})

void NAME(call_forward)(const Word *w) {
  NAME(forward)(w[0].address, ARRAY(1), ARRAY(2), ARRAY(3), ARRAY(4), ARRAY(5),
                ARRAY(6), ARRAY(7), ARRAY(8), ARRAY(9), ACTIVATION(10));
}

void NAME(call_backward)(const Word *w) {
  NAME(backward)(w[0].address, ARRAY(1), ARRAY(2), ARRAY(3), ARRAY(4), ARRAY(5),
                 ARRAY(6), ARRAY(7), ARRAY(8), ARRAY(9), ARRAY(10), ARRAY(11),
                 ARRAY(12), ARRAY(13), ACTIVATION(14));
}

void NAME(call_transform)(const Word *w) {
  NAME(transform)(w[0].address, w[1].number, w[2].address, ARRAY(3), ARRAY(4), ARRAY(5),
                  ARRAY(6));
}

void NAME(call_correlate)(const Word *w) {
  NAME(correlate)(w[0].address, ARRAY(1), ARRAY(2), ARRAY(3), ARRAY(4));
}

void NAME(call_mix)(const Word *w) {
  NAME(mix)(w[0].address, w[1].number, w[2].number, ARRAY(3), ARRAY(4), ARRAY(5),
            ARRAY(6), ARRAY(7));
}

void NAME(call_mix_back)(const Word *w) {
  NAME(mix_back)(w[0].address, w[1].number, w[2].number, w[3].number, w[4].number,
                 ARRAY(5), ARRAY(6), ARRAY(7), ARRAY(8), ARRAY(9), ARRAY(10), ARRAY(11),
                 ARRAY(12), ARRAY(13), ARRAY(14));
}

void NAME(call_copy)(const Word *w) {
  NAME(copy)(w[0].address, ARRAY(1), ARRAY(2));
}

void NAME(call_affine)(const Word *w) {
  NAME(affine)(w[0].address, w[1].number, ARRAY(2), ARRAY(3), ARRAY(4), ARRAY(5),
               ARRAY(6), ACTIVATION(7));
}

void NAME(call_affine_back)(const Word *w) {
  NAME(affine_back)(w[0].address, w[1].number, ARRAY(2), ARRAY(3), ARRAY(4), ARRAY(5),
                    ARRAY(6), ARRAY(7), ARRAY(8), ACTIVATION(9));
}

void NAME(call_householder)(const Word *w) {
  NAME(householder)(w[0].number, w[1].number, ARRAY(2), ARRAY(3), ARRAY(4));
}

void NAME(call_householder_adjoint)(const Word *w) {
  NAME(householder_adjoint)(w[0].number, w[1].number, ARRAY(2), ARRAY(3), ARRAY(4),
                            ARRAY(5));
}

void NAME(call_rotation_gradients)(const Word *w) {
  NAME(rotation_gradients)(w[0].number, ARRAY(1), ARRAY(2), ARRAY(3), ARRAY(4), ARRAY(5),
                           ARRAY(6), ARRAY(7), ARRAY(8), w[9].real);
}

#undef ARRAY
#undef ACTIVATION
