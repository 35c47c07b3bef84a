package dev.serval.api.model;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The typed key/value pairs of a model file. Integers of any width are {@code long}, floats are
 * {@code double}; arrays are of integers, floats, booleans or texts. Immutable.
 *
 * <p>Getters return empty for an absent key and throw {@link ModelRefusedException} ({@code
 * KEY_INVALID}) for one of another type; {@code require…} also throws ({@code KEY_MISSING}) for an
 * absent key. Messages name key, expected and got.
 */
public final class Metadata {

  /** Key of the architecture's name. */
  public static final String ARCHITECTURE = "general.architecture";

  /** What a value is. */
  public enum Kind {
    /** {@link #integer}. */
    INTEGER,
    /** {@link #real}. */
    REAL,
    /** {@link #bool}. */
    BOOLEAN,
    /** {@link #text}. */
    TEXT,
    /** {@link #integers}. */
    INTEGERS,
    /** {@link #reals}. */
    REALS,
    /** {@link #integers}, which are 0 or 1. */
    BOOLEANS,
    /** {@link #texts}. */
    TEXTS
  }

  private final Map<String, Object> values;

  private Metadata(Map<String, Object> values) {
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /** Collects pairs. Confined to one thread. */
  public static final class Builder {
    private final Map<String, Object> values = new LinkedHashMap<>();

    /** Creates an empty builder. */
    public Builder() {}

    /** Sets an integer. */
    public Builder put(String key, long value) {
      return set(key, value);
    }

    /** Sets a float. */
    public Builder put(String key, double value) {
      return set(key, value);
    }

    /** Sets a boolean. */
    public Builder put(String key, boolean value) {
      return set(key, value);
    }

    /** Sets a text. */
    public Builder put(String key, String value) {
      return set(key, value);
    }

    /** Sets an array of integers; the array must not change afterwards. */
    public Builder put(String key, long[] value) {
      return set(key, value);
    }

    /** Sets an array of floats; the array must not change afterwards. */
    public Builder put(String key, double[] value) {
      return set(key, value);
    }

    /** Sets an array of booleans; the array must not change afterwards. */
    public Builder put(String key, boolean[] value) {
      return set(key, value);
    }

    /** Sets an array of texts. */
    public Builder put(String key, TextArray value) {
      return set(key, value);
    }

    private Builder set(String key, Object value) {
      values.put(key, value);
      return this;
    }

    /** The pairs so far. */
    public Metadata build() {
      return new Metadata(values);
    }
  }

  /** A builder that starts with these pairs. */
  public Builder toBuilder() {
    Builder b = new Builder();
    b.values.putAll(values);
    return b;
  }

  /** The same without a key. */
  public Metadata without(String key) {
    Map<String, Object> copy = new LinkedHashMap<>(values);
    copy.remove(key);
    return new Metadata(copy);
  }

  /** The same with a key under another name; unchanged if the key is absent. */
  public Metadata renamed(String from, String to) {
    Object value = values.get(from);
    if (value == null) {
      return this;
    }
    Map<String, Object> copy = new LinkedHashMap<>(values);
    copy.remove(from);
    copy.put(to, value);
    return new Metadata(copy);
  }

  /** All keys, in file order. */
  public Set<String> keys() {
    return values.keySet();
  }

  /** Whether the key is present. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** What the value of a key is; empty for an absent key. */
  public Optional<Kind> kind(String key) {
    return switch (values.get(key)) {
      case null -> Optional.empty();
      case Long _ -> Optional.of(Kind.INTEGER);
      case Double _ -> Optional.of(Kind.REAL);
      case Boolean _ -> Optional.of(Kind.BOOLEAN);
      case String _ -> Optional.of(Kind.TEXT);
      case long[] _ -> Optional.of(Kind.INTEGERS);
      case double[] _ -> Optional.of(Kind.REALS);
      case boolean[] _ -> Optional.of(Kind.BOOLEANS);
      default -> Optional.of(Kind.TEXTS);
    };
  }

  /** Whether the value of a key is an array. */
  public boolean isArray(String key) {
    Object v = values.get(key);
    return v instanceof TextArray || (v != null && v.getClass().isArray());
  }

  /** An integer. */
  public OptionalLong integer(String key) {
    Object v = values.get(key);
    if (v == null) {
      return OptionalLong.empty();
    }
    if (v instanceof Long n) {
      return OptionalLong.of(n);
    }
    throw invalid(key, "an integer", v);
  }

  /** A float; an integer is accepted too. */
  public OptionalDouble real(String key) {
    Object v = values.get(key);
    if (v == null) {
      return OptionalDouble.empty();
    }
    if (v instanceof Double x) {
      return OptionalDouble.of(x);
    }
    if (v instanceof Long n) {
      return OptionalDouble.of(n);
    }
    throw invalid(key, "a float", v);
  }

  /** A boolean; an integer is accepted too, true if not 0. */
  public Optional<Boolean> bool(String key) {
    Object v = values.get(key);
    if (v == null) {
      return Optional.empty();
    }
    if (v instanceof Boolean b) {
      return Optional.of(b);
    }
    if (v instanceof Long n) {
      return Optional.of(n != 0);
    }
    throw invalid(key, "a boolean", v);
  }

  /** A text. */
  public Optional<String> text(String key) {
    return array(key, String.class, "a text");
  }

  /** A copy of an array of integers; booleans are accepted too, as 0 and 1. */
  public Optional<long[]> integers(String key) {
    Object v = values.get(key);
    if (v instanceof boolean[] b) {
      long[] n = new long[b.length];
      for (int i = 0; i < n.length; i++) {
        n[i] = b[i] ? 1 : 0;
      }
      return Optional.of(n);
    }
    return array(key, long[].class, "an array of integers").map(long[]::clone);
  }

  /** A copy of an array of floats. */
  public Optional<double[]> reals(String key) {
    return array(key, double[].class, "an array of floats").map(double[]::clone);
  }

  /** An array of texts. */
  public Optional<TextArray> texts(String key) {
    return array(key, TextArray.class, "an array of texts");
  }

  private <T> Optional<T> array(String key, Class<T> type, String expected) {
    Object v = values.get(key);
    if (v == null) {
      return Optional.empty();
    }
    if (type.isInstance(v)) {
      return Optional.of(type.cast(v));
    }
    throw invalid(key, expected, v);
  }

  /** A text that must be there. */
  public String requireText(String key) {
    return text(key).orElseThrow(() -> missing(key));
  }

  /**
   * An integer that must be there and lie in a range.
   *
   * @throws ModelRefusedException ({@code KEY_INVALID}) if it is outside
   */
  public int requireInt(String key, int least, int most) {
    return integer(key).stream()
        .mapToInt(n -> inRange(key, n, least, most))
        .findFirst()
        .orElseThrow(() -> missing(key));
  }

  /** An integer that must lie in a range, or a default if the key is absent. */
  public int intOr(String key, int least, int most, int absent) {
    OptionalLong n = integer(key);
    return n.isPresent() ? inRange(key, n.getAsLong(), least, most) : absent;
  }

  /**
   * A float that must be positive and finite, or a default if the key is absent.
   *
   * @throws ModelRefusedException ({@code KEY_INVALID}) if it is not
   */
  public double positiveOr(String key, double absent) {
    OptionalDouble x = real(key);
    if (x.isEmpty()) {
      return absent;
    }
    double v = x.getAsDouble();
    if (!(v > 0) || Double.isInfinite(v)) {
      throw new ModelRefusedException(
          Reason.KEY_INVALID, "key " + key + ": expected a positive finite number, got " + v);
    }
    return v;
  }

  private static int inRange(String key, long n, int least, int most) {
    if (n < least || n > most) {
      throw new ModelRefusedException(
          Reason.KEY_INVALID, "key " + key + ": expected " + least + ".." + most + ", got " + n);
    }
    return (int) n;
  }

  private static ModelRefusedException missing(String key) {
    return new ModelRefusedException(Reason.KEY_MISSING, "key " + key + " is missing");
  }

  private static ModelRefusedException invalid(String key, String expected, Object got) {
    return new ModelRefusedException(
        Reason.KEY_INVALID, "key " + key + ": expected " + expected + ", got " + kind(got));
  }

  private static String kind(Object v) {
    return switch (v) {
      case Long n -> "integer " + n;
      case Double x -> "float " + x;
      case Boolean b -> "boolean " + b;
      case String s -> "a text of " + s.length() + " characters";
      case long[] a -> "an array of " + a.length + " integers";
      case double[] a -> "an array of " + a.length + " floats";
      case boolean[] a -> "an array of " + a.length + " booleans";
      case TextArray a -> "an array of " + a.size() + " texts";
      default -> v.getClass().getSimpleName();
    };
  }

  /** A value as people read it; arrays by their size, long texts cut; empty for an absent key. */
  public String describe(String key) {
    @Nullable Object v = values.get(key);
    return switch (v) {
      case null -> "";
      case String s -> s.length() <= 200 ? s : s.substring(0, 200) + "…";
      case Long n -> n.toString();
      case Double x -> Float.toString(x.floatValue());
      case Boolean b -> b.toString();
      default -> kind(v);
    };
  }
}
