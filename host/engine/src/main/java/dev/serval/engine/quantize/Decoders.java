package dev.serval.engine.quantize;

import dev.serval.api.tensor.DataType;

/** {@link Decoder}s of plain types and of types with blocks of 32. */
final class Decoders {

  /** Values of the codes of IQ4_NL (ggml-common.h, kvalues_iq4nl). */
  static final int[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private static final int BLOCK = 32;
  private static final int HALF = BLOCK / 2;

  private Decoders() {}

  static void f32(byte[] bytes, float[] target, int n) {
    for (int i = 0; i < n; i++) {
      target[i] = Float.intBitsToFloat(LittleEndian.int32(bytes, 4 * i));
    }
  }

  static void f16(byte[] bytes, float[] target, int n) {
    for (int i = 0; i < n; i++) {
      target[i] = LittleEndian.float16(bytes, 2 * i);
    }
  }

  static void bf16(byte[] bytes, float[] target, int n) {
    for (int i = 0; i < n; i++) {
      target[i] = Float.intBitsToFloat(LittleEndian.int16(bytes, 2 * i) << 16);
    }
  }

  static void q8(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      for (int j = 0; j < BLOCK; j++) {
        target[start + j] = bytes[at + 2 + j] * d;
      }
      at += DataType.Q8_0.blockBytes();
    }
  }

  static void q4(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 2 + j];
        target[start + j] = ((b & 15) - 8) * d;
        target[start + HALF + j] = (((b >> 4) & 15) - 8) * d;
      }
      at += DataType.Q4_0.blockBytes();
    }
  }

  static void q41(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      float m = LittleEndian.float16(bytes, at + 2);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 4 + j];
        target[start + j] = (b & 15) * d + m;
        target[start + HALF + j] = ((b >> 4) & 15) * d + m;
      }
      at += DataType.Q4_1.blockBytes();
    }
  }

  static void q5(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      int high = LittleEndian.int32(bytes, at + 2);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 6 + j];
        target[start + j] = (((b & 15) | fifthBit(high, j)) - 16) * d;
        target[start + HALF + j] = ((((b >> 4) & 15) | fifthBit(high, HALF + j)) - 16) * d;
      }
      at += DataType.Q5_0.blockBytes();
    }
  }

  static void q51(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      float m = LittleEndian.float16(bytes, at + 2);
      int high = LittleEndian.int32(bytes, at + 4);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 8 + j];
        target[start + j] = ((b & 15) | fifthBit(high, j)) * d + m;
        target[start + HALF + j] = (((b >> 4) & 15) | fifthBit(high, HALF + j)) * d + m;
      }
      at += DataType.Q5_1.blockBytes();
    }
  }

  private static int fifthBit(int bits, int j) {
    return ((bits >>> j) & 1) << 4;
  }

  static void iq4nl(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 2 + j];
        target[start + j] = NON_LINEAR[b & 15] * d;
        target[start + HALF + j] = NON_LINEAR[(b >> 4) & 15] * d;
      }
      at += DataType.IQ4_NL.blockBytes();
    }
  }

  static void mxfp4(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float scale = Mxfp4.scale(bytes[at] & 0xFF);
      for (int j = 0; j < HALF; j++) {
        int b = bytes[at + 1 + j];
        target[start + j] = Mxfp4.doubled(b & 15) * scale;
        target[start + HALF + j] = Mxfp4.doubled((b >> 4) & 15) * scale;
      }
      at += DataType.MXFP4.blockBytes();
    }
  }
}
