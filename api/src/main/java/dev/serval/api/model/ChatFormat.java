package dev.serval.api.model;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.text.TextPart;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** How a conversation becomes the prompt a model was trained on. Thread-safe and without state. */
@ConsumerType
public interface ChatFormat {

  /**
   * The prompt that asks the model for the next message. It does not name the token for the
   * beginning of a text: the tokenizer adds it where the vocabulary wants one.
   *
   * @param messages the conversation, at least one message
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if roles come in an impossible order
   */
  List<TextPart> render(List<ChatMessage> messages);
}
