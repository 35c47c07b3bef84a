package dev.serval.engine.run;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.text.TextPart;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The texts of an embedding request as token ids: with the prefix, and cut where that was asked
 * for.
 *
 * @param request the request
 * @param encoder turns a text into ids
 * @param most tokens that the model takes at once
 */
record EmbedTexts(EmbedRequest request, Function<Prompt, int[]> encoder, int most) {

  /**
   * The ids of all texts, in order.
   *
   * @throws RequestRejectedException if the model cannot take one as it is
   */
  int[][] ids(RequestChecks checks) {
    int n = request.texts().size();
    int[][] all = new int[n][];
    for (int i = 0; i < n; i++) {
      all[i] = ids(request.texts().get(i));
      checks.text("text " + (i + 1) + " of " + n, all[i], most);
    }
    return all;
  }

  /** The ids of a text; more than {@code most} only if it was not to be cut. */
  private int[] ids(Prompt text) {
    Prompt whole = prefixed(text);
    int[] ids = encoder.apply(whole);
    return request.truncate() && ids.length > most ? cut(whole, ids) : ids;
  }

  private Prompt prefixed(Prompt text) {
    return switch (text) {
      case Prompt.Text t when request.prefix().isEmpty() -> t;
      case Prompt.Text t -> {
        List<TextPart> parts = new ArrayList<>(List.of(TextPart.plain(request.prefix())));
        parts.addAll(t.parts());
        yield new Prompt.Text(parts, t.addSpecial());
      }
      case Prompt.Tokens t when request.prefix().isEmpty() -> t;
      case Prompt.Tokens _ ->
          throw new RequestRejectedException(
              Reason.OPTION_INVALID, "a prefix goes before texts, and a text is given as tokens");
      case Prompt.Chat _ ->
          throw new RequestRejectedException(
              Reason.OPTION_INVALID, "expected texts to embed, got a conversation");
    };
  }

  /** The first of the ids, and those that the vocabulary adds at the end of a text. */
  private int[] cut(Prompt text, int[] ids) {
    int tail = text instanceof Prompt.Text t && t.addSpecial() ? added(t, ids) : 0;
    tail = Math.min(tail, most);
    int[] kept = Arrays.copyOf(ids, most);
    System.arraycopy(ids, ids.length - tail, kept, most - tail, tail);
    return kept;
  }

  /** How many ids the vocabulary added at the end: those after the ids of the text alone. */
  private int added(Prompt.Text text, int[] ids) {
    int[] alone = encoder.apply(new Prompt.Text(text.parts(), false));
    for (int head = 0; head + alone.length <= ids.length; head++) {
      if (Arrays.equals(ids, head, head + alone.length, alone, 0, alone.length)) {
        return ids.length - alone.length - head;
      }
    }
    return 0;
  }
}
