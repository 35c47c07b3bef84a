package dev.serval.api.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Support;
import dev.serval.api.error.ServalException;
import dev.serval.api.model.Match;
import dev.serval.api.runtime.Prompt;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Sealed types that others switch over: a new subtype breaks an exhaustive switch that was compiled
 * before. A change here is a change of the major version from 1.0 on.
 */
class PermittedSubtypesTest {

  private static final Map<Class<?>, List<String>> PERMITTED =
      Map.ofEntries(
          Map.entry(Op.class, List.of("Primitive", "Composite")),
          Map.entry(
              Primitive.class,
              List.of("Elementwise", "Reduction", "Projection", "AttentionOp", "LayoutOp")),
          Map.entry(Elementwise.class, List.of("Binary", "Unary", "Scale", "AddScalar", "Clamp")),
          Map.entry(
              Reduction.class,
              List.of("RmsNorm", "LayerNorm", "Softmax", "Reduce", "TopK", "Gather")),
          Map.entry(
              Projection.class,
              List.of("Constant", "Rows", "MatMul", "BatchMatMul", "ExpertMatMul")),
          Map.entry(AttentionOp.class, List.of("Rope", "KvStore", "Attend", "AttendStep")),
          Map.entry(LayoutOp.class, List.of("Slice", "Concat", "Reshape", "Wanted", "PoolMean")),
          Map.entry(Support.class, List.of("Yes", "No")),
          Map.entry(Outcome.class, List.of("Done", "Aborted", "Lost")),
          Map.entry(Output.class, List.of("Full", "Candidates")),
          Map.entry(Match.class, List.of("Yes", "No")),
          Map.entry(Prompt.class, List.of("Chat", "Text", "Tokens")),
          Map.entry(
              ServalException.class,
              List.of(
                  "ModelRefusedException",
                  "RequestRejectedException",
                  "BackendLostException",
                  "OutOfBudgetException")));

  @Test
  void sealedTypesPermitWhatTheyDid() {
    PERMITTED.forEach((type, names) ->
        assertEquals(
            names,
            Arrays.stream(type.getPermittedSubclasses()).map(Class::getSimpleName).toList(),
            type.getName()));
  }
}
