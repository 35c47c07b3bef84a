package dev.serval.launcher;

import dev.serval.api.memory.ByteSize;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.MemoryPlan;
import java.util.Locale;
import java.util.stream.Collectors;

/** A memory plan as text: a table for people, JSON for programs. */
final class PlanText {

  private static final String ROW = "%-10s %12s %12s %12s %12s %12s %12s  %s%n";

  private PlanText() {}

  /** A line about the model, a row for each device, and what is missing. */
  static String table(MemoryPlan plan) {
    StringBuilder out = new StringBuilder();
    out.append(
        String.format(
            "%s (%s), %d layers with the output, context %d, %d at once%n",
            plan.name(),
            plan.architecture(),
            plan.layers(),
            plan.contextLength(),
            plan.maxSequences()));
    out.append(
        String.format(
            ROW, "device", "weights", "kv", "activations", "staging", "reserve", "free", "stages"));
    for (MemoryPlan.Row row : plan.rows()) {
      DeviceMemory m = row.memory();
      MemoryUse use = m.use();
      out.append(
          String.format(
              ROW,
              m.device(),
              ByteSize.format(use.weightsBytes()),
              ByteSize.format(use.kvBytes()),
              ByteSize.format(use.activationBytes()),
              ByteSize.format(use.stagingBytes()),
              ByteSize.format(m.reserveBytes()),
              ByteSize.format(m.freeBytes()),
              row.stages().isEmpty() ? "-" : String.join(", ", row.stages())));
    }
    plan.notes().forEach(n -> out.append("note: ").append(n).append(System.lineSeparator()));
    plan.shortfall().ifPresent(s -> out.append(shortfall(s)).append(System.lineSeparator()));
    return out.toString();
  }

  private static String shortfall(MemoryPlan.Shortfall s) {
    return String.format(
        Locale.ROOT,
        "does not fit: %s (%d bytes) are missing; %s",
        ByteSize.format(s.missingBytes()),
        s.missingBytes(),
        s.largestContext().isPresent()
            ? "the largest context that fits is " + s.largestContext().getAsInt()
            : "no context fits");
  }

  /** One object; sizes are bytes, and what is absent is null. */
  static String json(MemoryPlan plan) {
    return "{\"name\": "
        + Json.quoted(plan.name())
        + ", \"architecture\": "
        + Json.quoted(plan.architecture())
        + ", \"layers\": "
        + plan.layers()
        + ", \"context\": "
        + plan.contextLength()
        + ", \"parallel\": "
        + plan.maxSequences()
        + ",\n \"devices\": ["
        + plan.rows().stream().map(PlanText::json).collect(Collectors.joining(",\n  "))
        + "],\n \"fits\": "
        + plan.shortfall().isEmpty()
        + ", \"missing\": "
        + plan.shortfall().map(MemoryPlan.Shortfall::missingBytes).orElse(0L)
        + ", \"largest_context\": "
        + plan.shortfall()
            .map(s ->
                s.largestContext().isPresent()
                    ? String.valueOf(s.largestContext().getAsInt())
                    : "null")
            .orElse("null")
        + ",\n \"notes\": ["
        + plan.notes().stream().map(Json::quoted).collect(Collectors.joining(", "))
        + "]}\n";
  }

  private static String json(MemoryPlan.Row row) {
    DeviceMemory m = row.memory();
    MemoryUse use = m.use();
    return String.format(
        Locale.ROOT,
        "{\"device\": %s, \"backend\": %s, \"weights\": %d, \"kv\": %d, \"activations\": %d,"
            + " \"staging\": %d, \"reserve\": %d, \"free\": %d, \"stages\": [%s]}",
        Json.quoted(m.device()),
        Json.quoted(row.backend()),
        use.weightsBytes(),
        use.kvBytes(),
        use.activationBytes(),
        use.stagingBytes(),
        m.reserveBytes(),
        m.freeBytes(),
        row.stages().stream().map(Json::quoted).collect(Collectors.joining(", ")));
  }
}
