package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * Finds the tokens that end a generation, and the types that follow from it, as llama.cpp does
 * ({@code llama-vocab.cpp}).
 */
final class EndOfGeneration {

  private static final List<String> NAMES =
      List.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|flush|>",
          "<|calls|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "</s>",
          "<|eom_id|>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "<|end_of_text|>",
          "<end_of_utterance>",
          "<eos>",
          "<turn|>",
          "<|tool_response>",
          "<｜end▁of▁sentence｜>",
          "[e~[");

  private static final List<String> KEYS = List.of("eot", "eom");

  /** Keys of tokens of code models, and the names to look for in files without them. */
  private static final Map<String, List<String>> FILL_IN_THE_MIDDLE =
      Map.of(
          "fim_pad",
          List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"),
          "fim_rep",
          List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"),
          "fim_sep",
          List.of("<|file_sep|>"));

  /** Control-looking tokens that a reader of the generated text wants to see. */
  private static final List<String> VISIBLE =
      List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>");

  private static final String STRUCK_OUT = "</s>";

  private static final String PREFIX = "tokenizer.ggml.";
  private static final String EOS_IDS = PREFIX + "eos_token_ids";

  private EndOfGeneration() {}

  /**
   * The ids that end a generation.
   *
   * @param eos the end-of-sequence token, or {@link Vocabulary#NONE}
   */
  static BitSet ids(Vocabulary vocabulary, Metadata metadata, int eos) {
    BitSet ids = named(vocabulary, metadata);
    set(ids, eos);
    for (String key : KEYS) {
      set(ids, vocabulary.special(metadata, key(key), Vocabulary.NONE));
    }
    for (String key : FILL_IN_THE_MIDDLE.keySet()) {
      set(ids, vocabulary.special(metadata, key(key), Vocabulary.NONE));
    }
    for (long id : metadata.integers(EOS_IDS).orElse(new long[0])) {
      set(ids, vocabulary.checked(EOS_IDS, id));
    }
    return ids;
  }

  private static String key(String name) {
    return PREFIX + name + "_token_id";
  }

  /** The tokens that end a generation by their names. */
  private static BitSet named(Vocabulary vocabulary, Metadata metadata) {
    BitSet ids = new BitSet(vocabulary.size());
    for (String name : NAMES) {
      set(ids, vocabulary.id(name));
    }
    FILL_IN_THE_MIDDLE.forEach((key, names) -> {
      if (!metadata.has(key(key))) {
        set(ids, firstOf(vocabulary, names));
      }
    });
    if (endsOnlyMessage(vocabulary)) {
      clear(ids, vocabulary.id("<|end|>"));
    }
    if (has(vocabulary, "<|tool_response>") || has(vocabulary, "<end_of_turn>")) {
      clear(ids, vocabulary.id(STRUCK_OUT)); // in Gemma's vocabularies the tag of struck out text
    }
    return ids;
  }

  private static int firstOf(Vocabulary vocabulary, List<String> names) {
    return names.stream()
        .mapToInt(vocabulary::id)
        .filter(id -> id != Vocabulary.NONE)
        .findFirst()
        .orElse(Vocabulary.NONE);
  }

  /** Whether {@code <|end|>} ends a message of several and others end the generation. */
  private static boolean endsOnlyMessage(Vocabulary vocabulary) {
    return has(vocabulary, "<|return|>", "<|call|>") || has(vocabulary, "<|calls|>", "<|flush|>");
  }

  /** The types of all tokens, repaired where files are known to get them wrong. */
  static TokenType[] repairedTypes(Vocabulary vocabulary, Metadata metadata) {
    TokenType[] types = vocabulary.types();
    named(vocabulary, metadata).stream().forEach(id -> types[id] = TokenType.CONTROL);
    VISIBLE.forEach(name -> set(types, vocabulary.id(name), TokenType.SHOWN));
    if (endsOnlyMessage(vocabulary)) {
      set(types, vocabulary.id("<|end|>"), TokenType.SHOWN);
    }
    return types;
  }

  private static boolean has(Vocabulary vocabulary, String... names) {
    for (String name : names) {
      if (vocabulary.id(name) == Vocabulary.NONE) {
        return false;
      }
    }
    return true;
  }

  private static void set(BitSet ids, int id) {
    if (id != Vocabulary.NONE) {
      ids.set(id);
    }
  }

  private static void clear(BitSet ids, int id) {
    if (id != Vocabulary.NONE) {
      ids.clear(id);
    }
  }

  private static void set(TokenType[] types, int id, TokenType type) {
    if (id != Vocabulary.NONE) {
      types[id] = type;
    }
  }
}
