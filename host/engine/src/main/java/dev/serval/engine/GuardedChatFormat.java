package dev.serval.engine;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.ChatMessage;
import dev.serval.api.text.TextPart;
import java.util.List;

/**
 * A chat format of a model bundle. The bundle may be faulty, or gone while its model still runs:
 * whatever goes wrong inside becomes a rejected request, and no exception of the bundle leaves.
 *
 * @param model name of the model, for messages
 * @param format the bundle's object
 */
record GuardedChatFormat(String model, ChatFormat format) implements ChatFormat {

  @Override
  public List<TextPart> render(List<ChatMessage> messages) {
    try {
      return List.copyOf(format.render(messages));
    } catch (ServalException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw new RequestRejectedException(
          Reason.PLUGIN_FAILED, "the chat format of " + model + " failed: " + e);
    }
  }
}
