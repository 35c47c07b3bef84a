package dev.serval.api.runtime;

/**
 * What a generated text must look like. Every format but {@link Text} draws only tokens that keep
 * the text on its way, and ends the generation when the text is complete.
 */
public sealed interface OutputFormat {

  /** Any text. */
  OutputFormat TEXT = new Text();

  /** A JSON object. */
  OutputFormat JSON = new Json();

  /** Any text. */
  record Text() implements OutputFormat {}

  /**
   * A JSON object with anything in it. White space and numbers are short, so that they end by
   * themselves.
   */
  record Json() implements OutputFormat {}

  /**
   * JSON that matches a schema. Properties come in the order of the schema; objects with {@code
   * properties} have others only if {@code additionalProperties} says so.
   *
   * @param schema JSON Schema 2020-12, as JSON text; a keyword that cannot be kept to is refused
   */
  record JsonSchema(String schema) implements OutputFormat {}

  /**
   * A text that matches a grammar.
   *
   * @param gbnf rules in GBNF, llama.cpp's language; {@code root} is the whole text
   */
  record Grammar(String gbnf) implements OutputFormat {}
}
