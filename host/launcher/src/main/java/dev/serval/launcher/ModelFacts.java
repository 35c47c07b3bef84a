package dev.serval.launcher;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** What a model file says about itself, as maps, lists, texts and numbers. */
final class ModelFacts {

  /** Elements shown of an array that has more. */
  private static final int FIRST = 8;

  private static final String TOKENIZER = "tokenizer.ggml.";
  private static final String TOKENS = TOKENIZER + "tokens";

  /** Ends of the keys that name a special token. */
  private static final List<String> SPECIAL = List.of("_token_id", "_token_ids");

  /** Names of the token types by their number, from 1 (llama.cpp, enum llama_token_type). */
  private static final List<String> TOKEN_TYPES =
      List.of("normal", "unknown", "control", "user-defined", "unused", "byte");

  /** Tensors of one type. */
  record Total(int tensors, long elements, long bytes) {
    private Total plus(Total t) {
      return new Total(tensors + t.tensors, elements + t.elements, bytes + t.bytes);
    }
  }

  private final ModelSource source;
  private final Metadata metadata;

  ModelFacts(ModelSource source) {
    this.source = source;
    this.metadata = source.metadata();
  }

  /** The tensors by type, in the order of the types' numbers. */
  Map<DataType, Total> totals() {
    Map<DataType, Total> totals = new EnumMap<>(DataType.class);
    for (TensorView t : source.tensors()) {
      totals.merge(t.type(), new Total(1, t.shape().elements(), t.bytes()), Total::plus);
    }
    return totals;
  }

  /** All tensors together. */
  Total total() {
    return totals().values().stream().reduce(new Total(0, 0, 0), Total::plus);
  }

  /** The vocabulary: model, sizes, tokens by type, special tokens, rules; empty without one. */
  Map<String, Object> tokenizer() {
    Map<String, Object> facts = new LinkedHashMap<>();
    metadata.text(TOKENIZER + "model").ifPresent(s -> facts.put("model", s));
    metadata.text(TOKENIZER + "pre").ifPresent(s -> facts.put("pre", s));
    metadata.texts(TOKENS).ifPresent(t -> facts.put("tokens", t.size()));
    metadata.texts(TOKENIZER + "merges").ifPresent(t -> facts.put("merges", t.size()));
    metadata.integers(TOKENIZER + "token_type").ifPresent(t -> facts.put("types", types(t)));
    Map<String, Object> special = new LinkedHashMap<>();
    for (String key : metadata.keys()) {
      if (key.startsWith(TOKENIZER) && SPECIAL.stream().anyMatch(key::endsWith)) {
        special.put(key.substring(TOKENIZER.length()), tokens(key));
      } else if (key.startsWith(TOKENIZER + "add_")) {
        facts.put(key.substring(TOKENIZER.length()), value(key));
      }
    }
    if (!special.isEmpty()) {
      facts.put("special", special);
    }
    metadata
        .text("tokenizer.chat_template")
        .ifPresent(s -> facts.put("chat_template", s.length() + " characters"));
    return facts;
  }

  private static Map<String, Object> types(long[] types) {
    Map<String, Object> counts = new TreeMap<>();
    for (long type : types) {
      String name =
          type >= 1 && type <= TOKEN_TYPES.size()
              ? TOKEN_TYPES.get((int) type - 1)
              : Long.toString(type);
      counts.merge(name, 1, (a, b) -> (int) a + (int) b);
    }
    return counts;
  }

  /** Id and text of each token that a key names. */
  private List<Object> tokens(String key) {
    boolean one = metadata.kind(key).filter(k -> k == Metadata.Kind.INTEGER).isPresent();
    OptionalLong id = one ? metadata.integer(key) : OptionalLong.empty();
    long[] ids =
        id.isPresent()
            ? new long[] {id.getAsLong()}
            : metadata.integers(key).orElseGet(() -> new long[0]);
    TextArray texts = metadata.texts(TOKENS).orElseGet(() -> TextArray.of());
    List<Object> tokens = new ArrayList<>();
    for (long t : ids) {
      tokens.add(t);
      if (t >= 0 && t < texts.size()) {
        tokens.add(texts.get((int) t));
      }
    }
    return tokens;
  }

  /** A value; of an array the first elements with its length, where it has many. */
  Object value(String key) {
    return switch (metadata.kind(key).orElseThrow()) {
      case INTEGER -> metadata.integer(key).orElseThrow();
      // a binary32 in the file: its digits and no more
      case REAL -> Double.valueOf(Float.toString((float) metadata.real(key).orElseThrow()));
      case BOOLEAN -> metadata.bool(key).orElseThrow();
      case TEXT -> metadata.text(key).orElseThrow();
      case INTEGERS, BOOLEANS -> {
        long[] a = metadata.integers(key).orElseThrow();
        yield abbreviated(a.length, Arrays.stream(a).limit(FIRST).boxed().toList());
      }
      case REALS -> {
        double[] a = metadata.reals(key).orElseThrow();
        yield abbreviated(a.length, Arrays.stream(a).limit(FIRST).boxed().toList());
      }
      case TEXTS -> {
        TextArray a = metadata.texts(key).orElseThrow();
        List<String> first = new ArrayList<>();
        for (int i = 0; i < Math.min(FIRST, a.size()); i++) {
          first.add(a.get(i));
        }
        yield abbreviated(a.size(), first);
      }
    };
  }

  private static Object abbreviated(int length, List<?> first) {
    return length == first.size() ? first : Map.of("length", length, "first", first);
  }

  /** Everything, for {@code --json}. */
  Map<String, Object> all(List<ModelPart> parts) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("name", metadata.text("general.name").orElse(source.name()));
    metadata.text(Metadata.ARCHITECTURE).ifPresent(a -> all.put("architecture", a));
    Total total = total();
    all.put("parameters", total.elements());
    all.put("tensor_bytes", total.bytes());
    all.put("parts", parts.stream().map(ModelFacts::part).toList());
    Map<String, Object> types = new LinkedHashMap<>();
    totals().forEach((type, t) -> types.put(type.name(), fields(t)));
    all.put("types", types);
    all.put("tokenizer", tokenizer());
    Map<String, Object> values = new LinkedHashMap<>();
    metadata.keys().forEach(key -> values.put(key, value(key)));
    all.put("metadata", values);
    all.put("tensors", source.tensors().stream().map(ModelFacts::tensor).toList());
    return all;
  }

  private static Map<String, Object> fields(Total t) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("tensors", t.tensors());
    fields.put("elements", t.elements());
    fields.put("bytes", t.bytes());
    return fields;
  }

  private static Map<String, Object> part(ModelPart p) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", p.name());
    fields.put("version", p.version());
    fields.put("bytes", p.bytes());
    fields.put("tensors", p.tensors());
    fields.put("tensor_bytes", p.tensorBytes());
    return fields;
  }

  private static Map<String, Object> tensor(TensorView t) {
    List<Long> shape = new ArrayList<>();
    for (int i = 0; i < t.shape().rank(); i++) {
      shape.add(t.shape().ne(i));
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", t.name());
    fields.put("type", t.type().name());
    fields.put("shape", shape);
    fields.put("bytes", t.bytes());
    return fields;
  }
}
