package dev.serval.launcher;

import dev.serval.api.model.ChatMessage;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import java.util.ArrayList;
import java.util.List;

/**
 * What was said, in exchanges of a question and its answer. Always whole exchanges: a question that
 * got no answer is not part of it. Confined to one thread.
 */
final class Conversation {

  private final List<ChatMessage> turns = new ArrayList<>();

  /**
   * The prompt for a next question.
   *
   * @param prompt the exchanges that are kept, and the question
   * @param tokens what they take
   * @param dropped oldest exchanges left out because the context does not hold them
   */
  record Next(Prompt.Chat prompt, int tokens, int dropped) {}

  /**
   * Prepares a question; changes nothing.
   *
   * @param model whose chat format and context count
   * @param system the system prompt; empty for none
   * @param room tokens to keep free for the answer, while there are exchanges to drop for it
   */
  Next next(Model model, String system, String question, int room) {
    int most = Math.max(1, model.info().contextLength() - room);
    for (int from = 0; ; from += 2) {
      List<ChatMessage> messages = new ArrayList<>();
      if (!system.isEmpty()) {
        messages.add(ChatMessage.system(system));
      }
      messages.addAll(turns.subList(from, turns.size()));
      messages.add(ChatMessage.user(question));
      Prompt.Chat prompt = new Prompt.Chat(messages);
      int tokens = model.tokens(prompt).length;
      if (from == turns.size() || tokens <= most) {
        return new Next(prompt, tokens, from / 2);
      }
    }
  }

  /** Forgets the oldest exchanges. */
  void drop(int exchanges) {
    turns.subList(0, 2 * exchanges).clear();
  }

  /** Adds an exchange. */
  void add(String question, String answer) {
    turns.add(ChatMessage.user(question));
    turns.add(ChatMessage.assistant(answer));
  }

  /** Number of exchanges. */
  int exchanges() {
    return turns.size() / 2;
  }

  /** Forgets everything. */
  void clear() {
    turns.clear();
  }
}
