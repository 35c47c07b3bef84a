package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Support;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Node;
import dev.serval.api.tensor.DataType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A backend and a device for a graph, and the graph as the backend takes it.
 *
 * @param slot the backend, leased; whoever gets the choice releases it
 * @param device where it will run
 * @param graph composites that the backend does not compute are lowered
 */
record BackendChoice(BackendRegistry.Slot slot, Device device, Graph graph) {

  /** Different reasons of one backend that a refusal lists. */
  private static final int MAX_REASONS = 3;

  /**
   * Chooses the backend and device of the highest score among those that compute every op.
   *
   * @param slots installed backends
   * @param name name of the only backend to consider
   * @param whole graph as the model described it
   * @param kvType element type of the cache
   * @throws ModelRefusedException ({@code NO_BACKEND}) listing why each does not
   */
  static BackendChoice choose(
      List<BackendRegistry.Slot> slots, Optional<String> name, Graph whole, DataType kvType) {
    @Nullable Scored best = null;
    List<String> refusals = new ArrayList<>();
    for (BackendRegistry.Slot slot : slots) {
      if (!slot.backend().name().equals(name.orElse(slot.backend().name())) || !slot.lease()) {
        continue;
      }
      Scored found = best(slot, whole, kvType, refusals);
      if (found == null || (best != null && best.score >= found.score)) {
        slot.release();
        continue;
      }
      if (best != null) {
        best.choice.slot.release();
      }
      best = found;
    }
    if (best == null) {
      throw new ModelRefusedException(
          Reason.NO_BACKEND, "no backend runs the model: " + reasons(slots, name, refusals));
    }
    return best.choice;
  }

  private record Scored(BackendChoice choice, int score) {}

  /** The best device of a backend, or null with the reasons added to {@code refusals}. */
  private static @Nullable Scored best(
      BackendRegistry.Slot slot, Graph whole, DataType kvType, List<String> refusals) {
    Backend backend = slot.backend();
    @Nullable Scored best = null;
    try {
      DeviceReport report = backend.devices();
      report.missing().forEach(m -> refusals.add(m.what() + ": " + m.reason()));
      for (Device device : report.devices()) {
        int score = backend.score(device);
        Graph graph = whole.lowered(c -> backend.supports(c, kvType, device).isYes());
        Collection<String> reasons = unsupported(backend, graph, kvType, device);
        if (score <= 0 || !reasons.isEmpty()) {
          String why = score <= 0 ? "score 0" : String.join("; ", reasons);
          refusals.add(backend.name() + " on " + device.id() + ": " + why);
        } else if (best == null || score > best.score) {
          best = new Scored(new BackendChoice(slot, device, graph), score);
        }
      }
    } catch (RuntimeException | LinkageError e) {
      refusals.add(backend.name() + " failed: " + e);
    }
    return best;
  }

  private static String reasons(
      List<BackendRegistry.Slot> slots, Optional<String> name, List<String> refusals) {
    if (!refusals.isEmpty()) {
      return String.join("; ", refusals);
    }
    List<String> names = slots.stream().map(s -> s.backend().name()).sorted().toList();
    String installed = names.isEmpty() ? "none is installed" : "installed: " + names;
    return name.map(n -> n + " is not installed; " + installed).orElse(installed);
  }

  private static Collection<String> unsupported(
      Backend backend, Graph graph, DataType kvType, Device device) {
    Set<String> reasons = new LinkedHashSet<>();
    for (Node n : graph.nodes()) {
      if (backend.supports(n.op(), kvType, device) instanceof Support.No no) {
        reasons.addAll(no.reasons());
      }
      if (reasons.size() >= MAX_REASONS) {
        break;
      }
    }
    return reasons;
  }
}
