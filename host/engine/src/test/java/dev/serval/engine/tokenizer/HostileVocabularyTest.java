package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every key of every tokenizer with every wrong type and range: refused by code, and by name. */
class HostileVocabularyTest {

  private static final String KEY = "tokenizer.ggml.";

  private static final int LEAST_CASES = 500;

  /** What a value can be. */
  private enum Kind {
    INTEGER,
    FLOAT,
    BOOLEAN,
    TEXT,
    INTEGERS,
    FLOATS,
    BOOLEANS,
    TEXTS;

    Metadata.Builder put(Metadata.Builder m, String key) {
      return switch (this) {
        case INTEGER -> m.put(key, 1L);
        case FLOAT -> m.put(key, 1.0);
        case BOOLEAN -> m.put(key, true);
        case TEXT -> m.put(key, "1");
        case INTEGERS -> m.put(key, new long[400]);
        case FLOATS -> m.put(key, new double[400]);
        case BOOLEANS -> m.put(key, new boolean[400]);
        case TEXTS -> m.put(key, TextArray.of("1"));
      };
    }
  }

  /** A vocabulary that must be refused. */
  private record Case(String what, Metadata metadata, Reason reason, String message) {}

  private static Metadata good(String model) {
    Vocab vocab =
        switch (model) {
          case "gpt2" -> Vocab.byteLevel("gpt-2").merge("a", "b");
          case "gemma4" -> Vocab.basic().with(KEY + "model", model).bytes().merge("a", "b");
          default -> Vocab.basic().bytes().add("a", 0);
        };
    return vocab.metadata().build();
  }

  private static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (String model : List.of("llama", "gpt2", "gemma4")) {
      types(model, cases);
      ids(model, cases);
      arrays(model, cases);
      texts(model, cases);
    }
    for (String name : List.of("", "LLAMA", "bert", "t5", "rwkv", "none", "llama\0")) {
      Metadata m = good("llama").toBuilder().put(KEY + "model", name).build();
      cases.add(new Case("model " + name, m, Reason.VOCABULARY, "model: expected one of llama"));
    }
    for (String name : List.of("", "GPT-2", "poro-chat", "gpt-2 ")) {
      Metadata m = good("gpt2").toBuilder().put(KEY + "pre", name).build();
      cases.add(new Case("pre " + name, m, Reason.VOCABULARY, "pre: expected one of "));
    }
    return cases;
  }

  private static void types(String model, List<Case> cases) {
    wrong(model, cases, "model", Kind.TEXT);
    wrong(model, cases, "tokens", Kind.TEXTS);
    wrong(model, cases, "scores", Kind.FLOATS);
    wrong(model, cases, "token_type", Kind.INTEGERS, Kind.BOOLEANS);
    wrong(model, cases, "eos_token_ids", Kind.INTEGERS, Kind.BOOLEANS);
    wrong(model, cases, "add_eos_token", Kind.BOOLEAN, Kind.INTEGER);
    switch (model) {
      case "llama" -> {
        wrong(model, cases, "add_bos_token", Kind.BOOLEAN, Kind.INTEGER);
        wrong(model, cases, "add_space_prefix", Kind.BOOLEAN, Kind.INTEGER);
      }
      case "gpt2" -> {
        wrong(model, cases, "add_bos_token", Kind.BOOLEAN, Kind.INTEGER);
        wrong(model, cases, "merges", Kind.TEXTS);
        wrong(model, cases, "pre", Kind.TEXT);
        missing(model, cases, "merges");
      }
      default -> {
        wrong(model, cases, "merges", Kind.TEXTS);
        missing(model, cases, "merges");
      }
    }
    missing(model, cases, "model");
    missing(model, cases, "tokens");
  }

  private static void wrong(String model, List<Case> cases, String key, Kind first, Kind... more) {
    Set<Kind> accepted = EnumSet.of(first, more);
    for (Kind kind : EnumSet.complementOf(EnumSet.copyOf(accepted))) {
      Metadata m = kind.put(good(model).toBuilder(), KEY + key).build();
      String what = model + ": " + key + " as " + kind;
      cases.add(new Case(what, m, Reason.KEY_INVALID, "key " + KEY + key + ": expected a"));
    }
  }

  private static void missing(String model, List<Case> cases, String key) {
    Metadata m = good(model).without(KEY + key);
    cases.add(
        new Case(model + ": no " + key, m, Reason.KEY_MISSING, "key " + KEY + key + " is missing"));
  }

  private static void ids(String model, List<Case> cases) {
    int size = good(model).texts(KEY + "tokens").orElseThrow().size();
    for (String name :
        List.of("bos", "eos", "unknown", "eot", "eom", "fim_pad", "fim_rep", "fim_sep")) {
      String key = name + "_token_id";
      wrong(model, cases, key, Kind.INTEGER);
      LongStream.of(size, 0x7FFF_FFFFL, 0xFFFF_FFFEL, -2, Long.MIN_VALUE, Long.MAX_VALUE)
          .forEach(id ->
              cases.add(
                  new Case(
                      model + ": " + key + " = " + id,
                      good(model).toBuilder().put(KEY + key, id).build(),
                      Reason.VOCABULARY,
                      KEY + key + ": expected a token id below " + size + ", got " + id)));
    }
    cases.add(
        new Case(
            model + ": eos_token_ids",
            good(model).toBuilder().put(KEY + "eos_token_ids", new long[] {1, size}).build(),
            Reason.VOCABULARY,
            "eos_token_ids: expected a token id below " + size + ", got " + size));
  }

  /** Arrays that are shorter than the list of tokens. */
  private static void arrays(String model, List<Case> cases) {
    Metadata good = good(model);
    int size = good.texts(KEY + "tokens").orElseThrow().size();
    for (int n : new int[] {0, 1, size - 1}) {
      String message = ": expected one entry for each of " + size + " tokens, got " + n;
      cases.add(
          new Case(
              model + ": " + n + " scores",
              good.toBuilder().put(KEY + "scores", new double[n]).build(),
              Reason.VOCABULARY,
              "scores" + message));
      cases.add(
          new Case(
              model + ": " + n + " types",
              good.toBuilder().put(KEY + "token_type", new long[n]).build(),
              Reason.VOCABULARY,
              "token_type" + message));
    }
    double[] scores = new double[size];
    scores[size - 1] = Double.NaN;
    cases.add(
        new Case(
            model + ": a score that is no number",
            good.toBuilder().put(KEY + "scores", scores).build(),
            Reason.VOCABULARY,
            "scores: expected numbers, got NaN at " + (size - 1)));
  }

  private static void texts(String model, List<Case> cases) {
    Metadata good = good(model);
    cases.add(
        new Case(
            model + ": an empty list of tokens",
            good.toBuilder().put(KEY + "tokens", TextArray.of()).build(),
            Reason.VOCABULARY,
            "tokens: expected at least one token, got none"));
    Metadata.Builder bare = good.without(KEY + "scores").without(KEY + "token_type").toBuilder();
    cases.add(
        new Case(
            model + ": a long token",
            bare.put(KEY + "tokens", TextArray.of("a", "b".repeat(1025))).build(),
            Reason.VOCABULARY,
            "tokens: expected texts of at most 1024 bytes, got 1025 at 1"));
    for (long type : new long[] {2, 3, 4}) {
      cases.add(
          new Case(
              model + ": a long token of type " + type,
              bare.put(KEY + "tokens", TextArray.of("a", "b".repeat(257)))
                  .put(KEY + "token_type", new long[] {1, type})
                  .build(),
              Reason.VOCABULARY,
              "expected control and user-defined tokens of at most 256 bytes, got 257 at 1"));
    }
  }

  @Test
  void theVocabulariesThemselvesAreGood() {
    for (String model : List.of("llama", "gpt2", "gemma4")) {
      assertTrue(new Tokenizers().fromMetadata(good(model)).vocabSize() > 256);
    }
  }

  @Test
  void casesAreManyAndDifferent() {
    List<Case> cases = cases();
    assertEquals(cases.size(), cases.stream().map(Case::what).distinct().count());
    assertTrue(cases.size() >= LEAST_CASES, cases.size() + " cases");
  }

  @TestFactory
  Stream<DynamicTest> refusesWithCodeAndKey() {
    return cases().stream().map(c -> dynamicTest(c.what(), () -> refuses(c)));
  }

  private static void refuses(Case c) {
    ModelRefusedException e =
        assertThrows(
            ModelRefusedException.class, () -> new Tokenizers().fromMetadata(c.metadata()));

    String message = String.valueOf(e.getMessage());
    assertEquals(c.reason(), e.reason(), message);
    assertTrue(message.startsWith("key " + KEY), message);
    assertTrue(message.contains(c.message()), message);
  }
}
