package dev.serval.models.gemma;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.ChatMessage;
import dev.serval.api.model.ChatMessage.Role;
import dev.serval.api.text.TextPart;
import java.util.ArrayList;
import java.util.List;

/**
 * The turns Gemma 2 and 3 were trained on, as in Google's chat template:
 *
 * <pre>
 * &lt;start_of_turn&gt;user
 * {system text, if any, and a blank line}{user text}&lt;end_of_turn&gt;
 * &lt;start_of_turn&gt;model
 * {answer}&lt;end_of_turn&gt;
 * &lt;start_of_turn&gt;user
 * …&lt;end_of_turn&gt;
 * &lt;start_of_turn&gt;model
 * </pre>
 *
 * <p>There is no turn for the system: its text, as it is, opens the first user turn. Other texts
 * are stripped of space around them. Turns alternate, the user's first and last.
 */
final class GemmaChatFormat implements ChatFormat {

  static final String START_OF_TURN = "<start_of_turn>";
  static final String END_OF_TURN = "<end_of_turn>";

  private static final String USER = START_OF_TURN + "user\n";
  private static final String MODEL = START_OF_TURN + "model\n";
  private static final String END = END_OF_TURN + "\n";

  @Override
  public List<TextPart> render(List<ChatMessage> messages) {
    boolean hasSystem = !messages.isEmpty() && messages.getFirst().role() == Role.SYSTEM;
    List<ChatMessage> turns = hasSystem ? messages.subList(1, messages.size()) : messages;
    String system = hasSystem ? messages.getFirst().content() : "";
    requireAlternating(turns, messages.size() - turns.size());

    List<TextPart> parts = new ArrayList<>();
    String opening = USER;
    String prefix = system.isEmpty() ? "" : system + "\n\n";
    for (ChatMessage turn : turns) {
      parts.add(TextPart.markup(opening));
      parts.add(TextPart.plain(prefix + turn.content().strip()));
      opening = END + (turn.role() == Role.USER ? MODEL : USER);
      prefix = "";
    }
    parts.add(TextPart.markup(opening));
    return parts;
  }

  /** The user speaks first and last, and in between every other time. */
  private static void requireAlternating(List<ChatMessage> turns, int first) {
    for (int i = 0; i < turns.size(); i++) {
      Role expected = i % 2 == 0 ? Role.USER : Role.ASSISTANT;
      Role got = turns.get(i).role();
      if (got != expected) {
        throw new RequestRejectedException(
            Reason.OPTION_INVALID,
            "message " + (first + i) + ": expected role " + expected + ", got " + got);
      }
    }
    if (turns.size() % 2 == 0) {
      String got = turns.isEmpty() ? "no message" : turns.getLast().role().toString();
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "last message: expected role " + Role.USER + ", got " + got);
    }
  }
}
