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
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

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

  /** Backend and device, for people. */
  String name() {
    String backend = slot.backend().name();
    return backend.equals(device.id()) ? backend : backend + " " + device.id();
  }

  /**
   * The backends and devices that compute every op, those of the highest score first. Each is
   * leased by itself; the caller releases them.
   *
   * @param slots installed backends
   * @param name name of the only backend to consider
   * @param whole graph as the model described it
   * @param kvType element type of the cache
   * @return at least one
   * @throws ModelRefusedException ({@code NO_BACKEND}) listing why each does not
   */
  static List<BackendChoice> candidates(
      List<BackendRegistry.Slot> slots, Optional<String> name, Graph whole, DataType kvType) {
    List<Scored> found = new ArrayList<>();
    List<String> refusals = new ArrayList<>();
    for (BackendRegistry.Slot slot : slots) {
      if (slot.backend().name().equals(name.orElse(slot.backend().name())) && slot.lease()) {
        try {
          found.addAll(scored(slot, whole, kvType, refusals));
        } finally {
          slot.release();
        }
      }
    }
    List<BackendChoice> leased =
        found.stream()
            .sorted(Comparator.comparingInt(Scored::score).reversed())
            .map(Scored::choice)
            .filter(c -> c.slot.lease())
            .toList();
    if (leased.isEmpty()) {
      throw new ModelRefusedException(
          Reason.NO_BACKEND, "no backend runs the model: " + reasons(slots, name, refusals));
    }
    return leased;
  }

  private record Scored(BackendChoice choice, int score) {}

  /** The devices of a backend that compute the graph; why others do not goes to the refusals. */
  private static List<Scored> scored(
      BackendRegistry.Slot slot, Graph whole, DataType kvType, List<String> refusals) {
    Backend backend = slot.backend();
    List<Scored> found = new ArrayList<>();
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
        } else {
          found.add(new Scored(new BackendChoice(slot, device, graph), score));
        }
      }
    } catch (RuntimeException | LinkageError e) {
      refusals.add(backend.name() + " failed: " + e);
    }
    return found;
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
