package dev.serval.engine.run;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.ModelInfo;
import java.util.Locale;

/**
 * What a model asks of requests; all of these throw {@link RequestRejectedException}.
 *
 * @param info the model
 * @param idBound token ids are 0 until this
 */
record RequestChecks(ModelInfo info, int idBound) {

  /** Checks that the model does what is asked. */
  void capability(Capability asked) {
    if (info.capability() != asked) {
      throw new RequestRejectedException(
          Reason.CAPABILITY_MISSING,
          "model "
              + info.name()
              + ": expected one that can "
              + asked.name().toLowerCase(Locale.ROOT)
              + ", this one can "
              + info.capability().name().toLowerCase(Locale.ROOT));
    }
  }

  /** Checks that a text is not empty, not longer than {@code most}, and of known ids. */
  void text(String what, int[] ids, int most) {
    if (ids.length == 0) {
      throw new RequestRejectedException(Reason.PROMPT_EMPTY, what + " has no token");
    }
    if (ids.length > most) {
      throw new RequestRejectedException(
          Reason.PROMPT_TOO_LONG,
          what
              + " has "
              + ids.length
              + " tokens, the context of "
              + info.contextLength()
              + " takes at most "
              + most);
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= idBound) {
        throw new RequestRejectedException(
            Reason.TOKEN_UNKNOWN,
            "token "
                + i
                + " of "
                + what
                + ": expected an id of 0.."
                + (idBound - 1)
                + ", got "
                + ids[i]);
      }
    }
  }

  /** Checks that vectors have as many elements as are asked for. */
  void dimensions(int asked, int width) {
    if (asked > width) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "dimensions: expected 1.." + width + ", got " + asked);
    }
  }
}
