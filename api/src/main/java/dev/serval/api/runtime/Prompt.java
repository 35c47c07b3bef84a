package dev.serval.api.runtime;

import dev.serval.api.model.ChatMessage;
import dev.serval.api.text.TextPart;
import java.util.List;

/** What a generation starts from. */
public sealed interface Prompt {

  /**
   * A conversation, rendered by the model's chat format.
   *
   * @param messages at least one message
   */
  record Chat(List<ChatMessage> messages) implements Prompt {
    /** Copies the list. */
    public Chat {
      messages = List.copyOf(messages);
    }
  }

  /**
   * Text as it is.
   *
   * @param parts pieces of one text
   * @param addSpecial whether the tokenizer adds its tokens at beginning and end
   */
  record Text(List<TextPart> parts, boolean addSpecial) implements Prompt {
    /** Copies the list. */
    public Text {
      parts = List.copyOf(parts);
    }
  }

  /**
   * Token ids as they are.
   *
   * @param ids vocabulary ids
   */
  record Tokens(List<Integer> ids) implements Prompt {
    /** Copies the list. */
    public Tokens {
      ids = List.copyOf(ids);
    }
  }

  /** One message of the person asking. */
  static Prompt chat(String content) {
    return new Chat(List.of(ChatMessage.user(content)));
  }

  /** Text as it is, with the vocabulary's special tokens added. */
  static Prompt text(String text) {
    return new Text(List.of(TextPart.plain(text)), true);
  }
}
