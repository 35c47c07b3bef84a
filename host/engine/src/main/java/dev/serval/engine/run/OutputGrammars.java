package dev.serval.engine.run;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.OutputFormat;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.grammar.GbnfParser;
import dev.serval.engine.grammar.Grammar;
import dev.serval.engine.grammar.GrammarLimits;
import dev.serval.engine.grammar.GrammarMatcher;
import dev.serval.engine.grammar.Grammars;
import dev.serval.engine.grammar.json.JsonGrammar;
import dev.serval.engine.grammar.json.SchemaGrammar;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The grammars of the formats that requests ask for, for one model. Thread-safe. */
final class OutputGrammars {

  private final Tokenizer tokenizer;
  private final Grammars grammars;

  /**
   * Without grammars yet.
   *
   * @param tokenizer of the model
   * @param width ids that may be drawn: 0 until this
   */
  OutputGrammars(Tokenizer tokenizer, int width) {
    this.tokenizer = tokenizer;
    this.grammars = new Grammars(tokenizer, width, GrammarLimits.DEFAULT);
  }

  /**
   * A matcher at the beginning of a text.
   *
   * @return null if any text will do
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID} or {@code GRAMMAR_LIMIT}) if the
   *     format cannot be kept to
   */
  @Nullable GrammarMatcher matcher(OutputFormat format) {
    return switch (format) {
      case OutputFormat.Text _ -> null;
      case OutputFormat.Json _ -> matcher(format, JsonGrammar::anyObject);
      case OutputFormat.JsonSchema s ->
          matcher(format, () -> SchemaGrammar.of(s.schema(), GrammarLimits.DEFAULT));
      case OutputFormat.Grammar g ->
          matcher(format, () -> GbnfParser.parse(g.gbnf(), tokenizer, GrammarLimits.DEFAULT));
    };
  }

  private GrammarMatcher matcher(OutputFormat format, Supplier<Grammar> source) {
    try {
      return grammars.get(format, source).matcher();
    } catch (ServalException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      // The tokenizer may come from a model bundle: its exception must not leave this call.
      throw new RequestRejectedException(Reason.PLUGIN_FAILED, "the tokenizer failed: " + e);
    }
  }
}
