package dev.serval.backend.cpu.kernel;

import dev.serval.api.graph.Elementwise.UnaryKind;

/**
 * Elementary functions in F32 with a fixed order of operations, repeated lane by lane in {@link
 * VectorFunctions}. Polynomials are minimax fits in the relative error made for this class (Lawson
 * iteration in double precision).
 */
final class ScalarFunctions {

  /** 1 / ln 2. */
  static final float LOG2_E = 0x1.715476p0f;

  /** ln 2 in two parts; the first has 9 bits, so that its multiples are exact. */
  static final float LN2_HIGH = 0x1.63p-1f;

  static final float LN2_LOW = -0x1.bd0106p-13f;

  /** Adding 1.5 · 2^23 rounds to an integer, which then is in the lowest bits. */
  static final float ROUNDER = 0x1.8p23f;

  static final int ROUNDER_BITS = 0x4b400000;

  /** Arguments of exp outside give 0 and +∞; inside, 2^n is made of two normal factors. */
  static final float EXP_LOW = -104;

  static final float EXP_HIGH = 89;

  /** exp(r) = 1 + r + r²·P(r) on |r| ≤ ln 2 / 2; relative error 3e-9. */
  static final float E2 = 0x1p-1f;

  static final float E3 = 0x1.55548ep-3f;
  static final float E4 = 0x1.55545ep-5f;
  static final float E5 = 0x1.123b46p-7f;
  static final float E6 = 0x1.6db41p-10f;

  /** tanh x rounds to 1 above half of it. */
  static final float TANH_HIGH = 20;

  /** exp is not needed below by {@link #geluErf}; 2^n stays normal. */
  static final float TAIL_LOW = -87;

  /** −2·√(2/π) and its 0.044715-fold: GELU, arXiv 1606.08415. */
  static final float GELU = (float) (-2 * Math.sqrt(2 / Math.PI));

  static final float GELU_CUBE = (float) (-2 * Math.sqrt(2 / Math.PI) * 0.044715);

  /** 1/√2. */
  static final float SQRT_HALF = (float) Math.sqrt(0.5);

  /** erfc(z) = exp(−z²)·P(1 / (1 + 0.4·z)) for z ≥ 0; relative error 4e-8. */
  static final float ERFC_FACTOR = 0.4f;

  static final float C0 = 0x1.cb075ep-17f;
  static final float C1 = 0x1.cd8198p-3f;
  static final float C2 = 0x1.d5191cp-3f;
  static final float C3 = 0x1.8288eap-3f;
  static final float C4 = 0x1.dfcab2p-3f;
  static final float C5 = -0x1.af3a48p-10f;
  static final float C6 = 0x1.89341ep-3f;
  static final float C7 = 0x1.8d8d34p-10f;
  static final float C8 = -0x1.a7a3aap-4f;
  static final float C9 = 0x1.17ae6ap-5f;

  private ScalarFunctions() {}

  /** e^x: relative error below 3e-7 wherever the result is normal. */
  static float exp(float x) {
    float v = x < EXP_LOW ? EXP_LOW : x;
    v = v > EXP_HIGH ? EXP_HIGH : v;
    float t = Math.fma(v, LOG2_E, ROUNDER);
    int n = Float.floatToRawIntBits(t) - ROUNDER_BITS;
    float e = lessOne(v, t - ROUNDER) + 1;
    int half = n >> 1;
    return e * powerOfTwo(half) * powerOfTwo(n - half);
  }

  private static float powerOfTwo(int n) {
    return Float.intBitsToFloat((n + 127) << 23);
  }

  /** tanh x = m / (m + 2) with m = e^(2|x|) − 1 = 2^n·(e^r − 1) + (2^n − 1), signed. */
  static float tanh(float x) {
    float magnitude = Math.abs(x);
    float v = magnitude + magnitude;
    v = v > TANH_HIGH ? TANH_HIGH : v;
    float t = Math.fma(v, LOG2_E, ROUNDER);
    float power = powerOfTwo(Float.floatToRawIntBits(t) - ROUNDER_BITS);
    float m = Math.fma(power, lessOne(v, t - ROUNDER), power - 1);
    float positive = m / (m + 2);
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(positive) | (Float.floatToRawIntBits(x) & 0x80000000));
  }

  /** e^r − 1 with r = v − whole·ln 2. */
  private static float lessOne(float v, float whole) {
    float r = Math.fma(whole, -LN2_LOW, Math.fma(whole, -LN2_HIGH, v));
    float p = Math.fma(E6, r, E5);
    p = Math.fma(p, r, E4);
    p = Math.fma(p, r, E3);
    p = Math.fma(p, r, E2);
    return Math.fma(r * r, p, r);
  }

  /** 1 / (1 + e^−x). */
  static float sigmoid(float x) {
    return 1 / (1 + exp(-x));
  }

  /** x / (1 + e^−x). */
  static float silu(float x) {
    return x / (1 + exp(-x));
  }

  /** x · sigmoid(2u), which is 0.5·x·(1 + tanh u), with u = √(2/π)·(x + 0.044715·x³). */
  static float geluTanh(float x) {
    return x / (1 + exp(x * Math.fma(x * x, GELU_CUBE, GELU)));
  }

  /** x·Φ(x): x less or just −0.5·|x|·erfc(|x|/√2), for positive or negative x. */
  static float geluErf(float x) {
    float magnitude = Math.abs(x);
    float z = magnitude * SQRT_HALF;
    float t = 1 / Math.fma(z, ERFC_FACTOR, 1);
    float p = Math.fma(C9, t, C8);
    p = Math.fma(p, t, C7);
    p = Math.fma(p, t, C6);
    p = Math.fma(p, t, C5);
    p = Math.fma(p, t, C4);
    p = Math.fma(p, t, C3);
    p = Math.fma(p, t, C2);
    p = Math.fma(p, t, C1);
    p = Math.fma(p, t, C0);
    float v = -(z * z);
    v = v < TAIL_LOW ? TAIL_LOW : v;
    float u = Math.fma(v, LOG2_E, ROUNDER);
    float power = powerOfTwo(Float.floatToRawIntBits(u) - ROUNDER_BITS);
    float tail = magnitude * 0.5f * (p * ((lessOne(v, u - ROUNDER) + 1) * power));
    return (x <= 0 ? 0 : x) - tail;
  }

  /** One element of an elementwise function. */
  static float apply(UnaryKind kind, float x) {
    return switch (kind) {
      case RELU -> x <= 0 ? 0 : x;
      case SILU -> silu(x);
      case GELU_TANH -> geluTanh(x);
      case GELU_ERF -> geluErf(x);
      case TANH -> tanh(x);
      case SIGMOID -> sigmoid(x);
      case EXP -> exp(x);
      case SQRT -> (float) Math.sqrt(x);
      case RSQRT -> 1 / (float) Math.sqrt(x);
    };
  }
}
