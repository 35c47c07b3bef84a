package dev.serval.api.error;

/** A model file that cannot be loaded: damaged, incomplete, or not understood. */
public final class ModelRefusedException extends ServalException {

  /** Why a model was refused. */
  public enum Reason {
    /** The file cannot be opened or read. */
    UNREADABLE("model.unreadable"),
    /** The container violates the file format; the message names the field. */
    MALFORMED("model.malformed"),
    /** A required metadata key is absent. */
    KEY_MISSING("model.key-missing"),
    /** A metadata key has the wrong type or a value outside its range. */
    KEY_INVALID("model.key-invalid"),
    /** A required tensor is absent. */
    TENSOR_MISSING("model.tensor-missing"),
    /** A tensor or graph value has a shape or type that does not fit. */
    SHAPE_MISMATCH("model.shape-mismatch"),
    /** A tensor is stored in a type that no available backend reads. */
    TYPE_UNSUPPORTED("model.type-unsupported"),
    /** A weight is not a finite number, or too large for the type it is to have. */
    VALUE_INVALID("model.value-invalid"),
    /** The vocabulary is unusable. */
    VOCABULARY("model.vocabulary"),
    /** No installed model bundle knows the architecture. */
    ARCHITECTURE_UNKNOWN("model.architecture-unknown"),
    /** The model bundle failed while it described the file. */
    PLUGIN_FAILED("model.plugin-failed"),
    /** No backend can run the model's graph. */
    NO_BACKEND("model.no-backend");

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
   * Creates a refusal.
   *
   * @param reason the kind of failure, which fixes {@link #code()}
   * @param message what, expected, got, where
   */
  public ModelRefusedException(Reason reason, String message) {
    super(reason.code(), message);
    this.reason = reason;
  }

  /**
   * Creates a refusal with the failure that led to it.
   *
   * @param reason the kind of failure, which fixes {@link #code()}
   * @param message what, expected, got, where
   * @param cause the underlying failure; must not come from another bundle's class space
   */
  public ModelRefusedException(Reason reason, String message, Throwable cause) {
    super(reason.code(), message, cause);
    this.reason = reason;
  }

  /** The kind of failure. */
  public Reason reason() {
    return reason;
  }
}
