package dev.serval.engine.recall;

import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.Match;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TokenizerFactory;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Describes files of {@link RecallProgram}; can be told to fail. */
public final class RecallArchitecture implements ModelArchitecture {

  public static final int TRAINED_CONTEXT = 48;

  /** Name of the method that throws. */
  public volatile @Nullable String failing;

  /** Writes a file that this architecture understands. */
  public static Path write(Path folder) throws IOException {
    return new GgufWriter()
        .text("general.architecture", "recall")
        .text("general.name", "Total Recall")
        .uint32("recall.context_length", TRAINED_CONTEXT)
        .tensor(RecallProgram.tensor(), new byte[(int) RecallProgram.tensor().bytes()])
        .write(folder.resolve("recall.gguf"));
  }

  private void enter(String method) {
    if (method.equals(failing)) {
      throw new UnsupportedOperationException("told to fail in " + method);
    }
  }

  @Override
  public List<String> names() {
    return List.of("recall");
  }

  @Override
  public Match match(ModelSource source) {
    enter("match");
    return source.architecture().equals("recall")
        ? new Match.Yes(100)
        : Match.no("expected recall, got " + source.architecture());
  }

  @Override
  public ModelSource normalise(ModelSource source) {
    enter("normalise");
    return source;
  }

  @Override
  public void describe(ModelSource source, GraphBuilder g) {
    enter("describe");
    RecallProgram.describe(source.tensor(RecallProgram.tensor().name()), g);
  }

  @Override
  public Tokenizer tokenizer(ModelSource source, TokenizerFactory factory) {
    enter("tokenizer");
    return new LetterTokenizer();
  }

  @Override
  public Optional<ChatFormat> chatFormat(ModelSource source) {
    enter("chatFormat");
    return Optional.of(messages -> {
      enter("render");
      return List.of(TextPart.plain(messages.getLast().content()));
    });
  }
}
