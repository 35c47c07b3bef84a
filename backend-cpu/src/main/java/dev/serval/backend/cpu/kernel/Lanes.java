package dev.serval.backend.cpu.kernel;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The vector shape of all vector kernels, chosen once: the platform's preferred one. */
final class Lanes {

  /** Floats. */
  static final VectorSpecies<Float> FLOATS = preferred();

  /** Floats per vector: 4, 8 or 16. */
  static final int LENGTH = FLOATS.length();

  /** Bytes per vector of floats. */
  static final int BYTES = 4 * LENGTH;

  /** Ints, as many as floats. */
  static final VectorSpecies<Integer> INTS =
      IntVector.SPECIES_PREFERRED.withShape(FLOATS.vectorShape());

  /** Shorts, as many as floats. */
  static final VectorSpecies<Short> SHORTS =
      ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(16 * LENGTH));

  /** Bytes, as many as floats, but not fewer than eight. */
  static final VectorSpecies<Byte> CODES =
      LENGTH == 16 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

  /** Shorts of a whole vector: two for each float. */
  static final VectorSpecies<Short> HALF_WORDS =
      ShortVector.SPECIES_PREFERRED.withShape(FLOATS.vectorShape());

  /** Byte order of all data but model files. */
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** One float. */
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** One int. */
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private Lanes() {}

  private static VectorSpecies<Float> preferred() {
    VectorSpecies<Float> species = FloatVector.SPECIES_PREFERRED;
    return switch (species.length()) {
      case 4, 8, 16 -> species;
      default -> species.length() < 4 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_512;
    };
  }
}
