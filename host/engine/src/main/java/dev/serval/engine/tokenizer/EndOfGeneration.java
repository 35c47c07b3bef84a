package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import java.util.BitSet;
import java.util.List;

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

  private static final List<String> KEYS = List.of("eot", "eom", "fim_pad", "fim_rep", "fim_sep");

  /** Control-looking tokens that a reader of the generated text wants to see. */
  private static final List<String> VISIBLE =
      List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>");

  private static final String EOS_IDS = "tokenizer.ggml.eos_token_ids";

  private EndOfGeneration() {}

  /**
   * The ids that end a generation.
   *
   * @param eos the end-of-sequence token, or {@link Vocabulary#NONE}
   */
  static BitSet ids(Vocabulary vocabulary, Metadata metadata, int eos) {
    BitSet ids = new BitSet(vocabulary.size());
    set(ids, eos);
    for (String key : KEYS) {
      String name = "tokenizer.ggml." + key + "_token_id";
      set(ids, vocabulary.special(metadata, name, Vocabulary.NONE));
    }
    for (long id : metadata.integers(EOS_IDS).orElse(new long[0])) {
      set(ids, vocabulary.checked(EOS_IDS, id));
    }
    for (String name : NAMES) {
      set(ids, vocabulary.id(name));
    }
    if (has(vocabulary, "<|return|>", "<|call|>") || has(vocabulary, "<|calls|>", "<|flush|>")) {
      clear(ids, vocabulary.id("<|end|>"));
    }
    if (has(vocabulary, "<|tool_response>")) {
      clear(ids, vocabulary.id("</s>"));
    }
    return ids;
  }

  /** The types of all tokens, repaired where files are known to get them wrong. */
  static TokenType[] repairedTypes(Vocabulary vocabulary) {
    TokenType[] types = vocabulary.types();
    NAMES.forEach(name -> set(types, vocabulary.id(name), TokenType.CONTROL));
    VISIBLE.forEach(name -> set(types, vocabulary.id(name), TokenType.USER_DEFINED));
    if (has(vocabulary, "<|return|>", "<|call|>")) {
      set(types, vocabulary.id("<|end|>"), TokenType.USER_DEFINED);
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
