package dev.serval.engine.quantize;

import dev.serval.api.tensor.DataType;

/**
 * {@link Decoder}s of types with super-blocks of 256: the K-quants and IQ4_XS. Products are taken
 * in ggml's order, scale by scale first, so that the bits are the same.
 */
final class SuperBlockDecoders {

  private static final int BLOCK = 256;
  private static final int SUB_BLOCKS = 8;
  private static final int SUB_BLOCK = 32;

  private SuperBlockDecoders() {}

  /** Sixteen scales and minima of four bits, quants of two. */
  static void q2k(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at + 80);
      float dMin = LittleEndian.float16(bytes, at + 82);
      for (int i = 0; i < BLOCK; i++) {
        int scale = bytes[at + group16(i)];
        int q = (bytes[at + 16 + byteOfTwoBits(i)] >> twoBits(i)) & 3;
        target[start + i] = d * (scale & 15) * q - dMin * ((scale >> 4) & 15);
      }
      at += DataType.Q2_K.blockBytes();
    }
  }

  /** Sixteen signed scales of six bits, quants of two bits and a third in a mask. */
  static void q3k(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at + 108);
      for (int i = 0; i < BLOCK; i++) {
        int group = group16(i);
        int low = bytes[at + 96 + group % 8] >> (group < 8 ? 0 : 4);
        int high = bytes[at + 104 + group % 4] >> (2 * (group / 4));
        int scale = ((low & 15) | ((high & 3) << 4)) - 32;
        int q = (bytes[at + 32 + byteOfTwoBits(i)] >> twoBits(i)) & 3;
        int third = (bytes[at + i % 32] >> (i / 32)) & 1;
        target[start + i] = d * scale * (q - 4 * (1 - third));
      }
      at += DataType.Q3_K.blockBytes();
    }
  }

  /** Index of the scale of element {@code i}: scales are per 16. */
  private static int group16(int i) {
    return i / 16;
  }

  /** The byte with the two bits of element {@code i}: four runs of 32 share 32 bytes. */
  private static int byteOfTwoBits(int i) {
    return 32 * (i / 128) + i % 32;
  }

  private static int twoBits(int i) {
    return 2 * (i % 128 / 32);
  }

  static void q4k(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      for (int k = 0; k < SUB_BLOCKS; k++) {
        float scale = LittleEndian.float16(bytes, at) * scale(bytes, at + 4, k);
        float min = LittleEndian.float16(bytes, at + 2) * min(bytes, at + 4, k);
        for (int l = 0; l < SUB_BLOCK; l++) {
          int q = (bytes[at + 16 + SUB_BLOCK * (k / 2) + l] >> (4 * (k % 2))) & 15;
          target[start + SUB_BLOCK * k + l] = scale * q - min;
        }
      }
      at += DataType.Q4_K.blockBytes();
    }
  }

  static void q5k(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      for (int k = 0; k < SUB_BLOCKS; k++) {
        float scale = LittleEndian.float16(bytes, at) * scale(bytes, at + 4, k);
        float min = LittleEndian.float16(bytes, at + 2) * min(bytes, at + 4, k);
        for (int l = 0; l < SUB_BLOCK; l++) {
          int low = (bytes[at + 48 + SUB_BLOCK * (k / 2) + l] >> (4 * (k % 2))) & 15;
          int fifth = (bytes[at + 16 + l] >> k) & 1;
          target[start + SUB_BLOCK * k + l] = scale * (low | (fifth << 4)) - min;
        }
      }
      at += DataType.Q5_K.blockBytes();
    }
  }

  /** Scale {@code k} of eight scales and minima of six bits in twelve bytes. */
  private static int scale(byte[] bytes, int at, int k) {
    return k < 4
        ? bytes[at + k] & 63
        : (bytes[at + k + 4] & 15) | (((bytes[at + k - 4] >> 6) & 3) << 4);
  }

  private static int min(byte[] bytes, int at, int k) {
    return k < 4
        ? bytes[at + k + 4] & 63
        : ((bytes[at + k + 4] >> 4) & 15) | (((bytes[at + k] >> 6) & 3) << 4);
  }

  /** Sixteen signed scales, quants of four bits and two more. */
  static void q6k(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at + 208);
      for (int i = 0; i < BLOCK; i++) {
        int half = i / 128;
        int run = i % 128 / 32;
        int l = i % 32;
        int low = bytes[at + 64 * half + 32 * (run % 2) + l] >> (4 * (run / 2));
        int high = bytes[at + 128 + 32 * half + l] >> (2 * run);
        int q = ((low & 15) | ((high & 3) << 4)) - 32;
        target[start + i] = d * bytes[at + 192 + group16(i)] * q;
      }
      at += DataType.Q6_K.blockBytes();
    }
  }

  static void iq4xs(byte[] bytes, float[] target, int n) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float d = LittleEndian.float16(bytes, at);
      int highScales = LittleEndian.int16(bytes, at + 2);
      for (int k = 0; k < SUB_BLOCKS; k++) {
        int low = (bytes[at + 4 + k / 2] >> (4 * (k % 2))) & 15;
        float scale = d * ((low | (((highScales >> (2 * k)) & 3) << 4)) - 32);
        for (int j = 0; j < SUB_BLOCK / 2; j++) {
          int b = bytes[at + 8 + SUB_BLOCK / 2 * k + j];
          int i = start + SUB_BLOCK * k + j;
          target[i] = Decoders.NON_LINEAR[b & 15] * scale;
          target[i + SUB_BLOCK / 2] = Decoders.NON_LINEAR[(b >> 4) & 15] * scale;
        }
      }
      at += DataType.IQ4_XS.blockBytes();
    }
  }
}
