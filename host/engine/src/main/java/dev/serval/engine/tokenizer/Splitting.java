package dev.serval.engine.tokenizer;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * How a byte-level vocabulary wants text to be cut, by {@code tokenizer.ggml.pre}. Names and flags
 * are those of llama.cpp ({@code llama-vocab.cpp}, {@code llama_vocab::impl::load}).
 *
 * @param preTokenizer finds the pre-tokens
 * @param ignoresMerges whether a pre-token that is a token is not merged from its parts
 * @param addsBos whether texts begin with the beginning token if the file does not say
 */
record Splitting(PreTokenizer preTokenizer, boolean ignoresMerges, boolean addsBos) {

  /** For files that do not say. */
  static final Splitting DEFAULT =
      plain(RunRule.PUNCTUATION, WordRule.GPT_2, RunRule.NUMBERS, RunRule.THREE_DIGITS);

  private static final Map<String, Splitting> BY_NAME = new HashMap<>();

  static {
    put(DEFAULT, "default");
    put(
        plain(WordRule.GPT_2),
        "gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum modern-bert"
            + " exaone4 mpt olmo jais trillion granite-docling");
    put(
        new Splitting(new PreTokenizer(WordRule.LLAMA_3), true, true),
        "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano");
    put(plain(WordRule.LLAMA_3), "dbrx smaug-bpe");
    put(
        plain(WordRule.QWEN_2),
        "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2");
    put(plain(WordRule.QWEN_35), "qwen35");
    put(plain(WordRule.O200K), "gpt-4o llama4 kanana2 talkie minimax-m2");
    put(
        plain(RunRule.EACH_NUMBER, WordRule.GPT_2),
        "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2");
    put(plain(RunRule.PUNCTUATION_FALCON, WordRule.GPT_2, RunRule.THREE_DIGITS), "falcon");
  }

  private static Splitting plain(PreTokenizer.Rule... rules) {
    return new Splitting(new PreTokenizer(rules), false, false);
  }

  private static void put(Splitting splitting, String names) {
    for (String name : names.split(" ", -1)) {
      BY_NAME.put(name, splitting);
    }
  }

  /**
   * The splitting with a name.
   *
   * @param key where the name stands, for the message
   * @throws ModelRefusedException ({@code VOCABULARY}) for a name that is not known
   */
  static Splitting of(String key, String name) {
    Splitting splitting = BY_NAME.get(name);
    if (splitting == null) {
      throw new ModelRefusedException(
          Reason.VOCABULARY,
          "key "
              + key
              + ": expected one of "
              + String.join(", ", new TreeSet<>(BY_NAME.keySet()))
              + ", got "
              + name);
    }
    return splitting;
  }
}
