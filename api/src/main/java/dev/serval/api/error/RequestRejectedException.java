package dev.serval.api.error;

/** A request that cannot be served as it was made; other requests are not disturbed. */
public final class RequestRejectedException extends ServalException {

  /** Why a request was rejected. */
  public enum Reason {
    /** An option is outside its range. */
    OPTION_INVALID("request.option-invalid"),
    /** The prompt does not fit the context. */
    PROMPT_TOO_LONG("request.prompt-too-long"),
    /** A token id is not in the vocabulary. */
    TOKEN_UNKNOWN("request.token-unknown"),
    /** The prompt has no token. */
    PROMPT_EMPTY("request.prompt-empty"),
    /** Too many requests are waiting. */
    QUEUE_FULL("request.queue-full"),
    /** The model was closed, or is closing. */
    MODEL_CLOSED("request.model-closed"),
    /** The model computed logits from which no token can be drawn. */
    NO_TOKEN("request.no-token"),
    /** The model computed an embedding that is not finite. */
    NOT_FINITE("request.not-finite"),
    /** The model was made for something else: it embeds and does not generate, or vice versa. */
    CAPABILITY_MISSING("request.capability-missing"),
    /** The model's tokenizer or chat format failed. */
    PLUGIN_FAILED("request.plugin-failed"),
    /** The grammar or schema of the output is wrong, or needs what is not supported. */
    GRAMMAR_INVALID("request.grammar-invalid"),
    /** The grammar or schema of the output is larger, deeper or more ambiguous than allowed. */
    GRAMMAR_LIMIT("request.grammar-limit"),
    /** No token of the vocabulary continues the output as its grammar demands. */
    GRAMMAR_DEAD_END("request.grammar-dead-end"),
    /** Whoever looks at the model's values failed to. */
    INSPECTION_FAILED("request.inspection-failed"),
    /** The consumer did not take events for too long. */
    CONSUMER_STALLED("request.consumer-stalled");

    private final String code;

    Reason(String code) {
      this.code = code;
    }

    /** The stable code of this reason. */
    public String code() {
      return code;
    }
  }

  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /**
   * Creates a rejection.
   *
   * @param reason the kind of failure, which fixes {@link #code()}
   * @param message what, expected, got, where
   */
  public RequestRejectedException(Reason reason, String message) {
    super(reason.code(), message);
    this.reason = reason;
  }

  /** The kind of failure. */
  public Reason reason() {
    return reason;
  }
}
