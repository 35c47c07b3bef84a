package dev.serval.engine.quantize;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The type that each tensor of a model gets, and why. Matrices get the type that was asked for;
 * what is small and matters much becomes F32, after llama.cpp's {@code llama_model_quantize}.
 */
final class TypePlan {

  /** End of the names of experts' matrices, which alone are MXFP4 in models that have some. */
  private static final String EXPERTS = "_exps.weight";

  private static final String NORM = "norm.weight";
  private static final String ROUTER = "ffn_gate_inp.weight";

  /** Small matrices of Gemma 3n. */
  private static final List<String> SMALL = List.of("altup", "laurel", "per_layer_model_proj");

  /** Types whose elements are no weights. */
  private static final Set<DataType> INTEGERS =
      Set.of(DataType.I8, DataType.I16, DataType.I32, DataType.I64);

  /**
   * What becomes of one tensor.
   *
   * @param from the tensor in the input
   * @param to the tensor in the output
   * @param reason why it has not the type that was asked for; empty if it has
   */
  record Choice(TensorInfo from, TensorInfo to, String reason) {}

  private final ModelSource source;
  private final DataType asked;
  private final boolean hasExperts;

  private TypePlan(ModelSource source, DataType asked) {
    this.source = source;
    this.asked = asked;
    this.hasExperts = source.tensors().stream().anyMatch(t -> t.name().endsWith(EXPERTS));
  }

  /**
   * Plans for all tensors, in file order.
   *
   * @throws ModelRefusedException ({@code TYPE_UNSUPPORTED}) if one cannot be expanded
   */
  static List<Choice> of(ModelSource source, DataType asked) {
    TypePlan plan = new TypePlan(source, asked);
    List<Choice> choices = new ArrayList<>();
    for (TensorView t : source.tensors()) {
      choices.add(plan.choice(t.source()));
    }
    return choices;
  }

  private Choice choice(TensorInfo t) {
    if (INTEGERS.contains(t.type())) {
      return choice(t, t.type(), "no weights");
    }
    if (Decoder.of(t.type()).isEmpty()) {
      throw new ModelRefusedException(
          Reason.TYPE_UNSUPPORTED,
          source.name()
              + ": tensor \""
              + t.name()
              + "\": expected a type that can be expanded to F32, got "
              + t.type());
    }
    String small = reasonForF32(t);
    if (!small.isEmpty()) {
      return choice(t, DataType.F32, small);
    }
    boolean outside = asked == DataType.MXFP4 && hasExperts && !t.name().endsWith(EXPERTS);
    DataType wanted = outside ? DataType.Q8_0 : asked;
    if (t.shape().ne0() % wanted.blockLength() != 0) {
      return choice(
          t,
          DataType.F16,
          "rows of " + t.shape().ne0() + " are no whole blocks of " + wanted.blockLength());
    }
    return choice(t, wanted, outside ? "no expert" : "");
  }

  private static Choice choice(TensorInfo t, DataType to, String reason) {
    return new Choice(t, new TensorInfo(t.name(), to, t.shape()), reason);
  }

  private static String reasonForF32(TensorInfo t) {
    String name = t.name();
    if (t.shape().rank() < 2) {
      return "vector";
    }
    if (!name.endsWith(".weight")) {
      return "no matrix";
    }
    if (name.endsWith(NORM)) {
      return "norm";
    }
    if (name.endsWith(ROUTER)) {
      return "router";
    }
    return SMALL.stream().anyMatch(name::contains) ? "small" : "";
  }
}
