package dev.serval.api.model;

/**
 * One message of a conversation.
 *
 * @param role who speaks
 * @param content what is said
 */
public record ChatMessage(Role role, String content) {

  /** Who speaks. */
  public enum Role {
    /** Whoever runs the conversation. */
    SYSTEM,
    /** The person asking. */
    USER,
    /** The model. */
    ASSISTANT
  }

  /** A message of the person asking. */
  public static ChatMessage user(String content) {
    return new ChatMessage(Role.USER, content);
  }

  /** A message of the model. */
  public static ChatMessage assistant(String content) {
    return new ChatMessage(Role.ASSISTANT, content);
  }

  /** A message of whoever runs the conversation. */
  public static ChatMessage system(String content) {
    return new ChatMessage(Role.SYSTEM, content);
  }
}
