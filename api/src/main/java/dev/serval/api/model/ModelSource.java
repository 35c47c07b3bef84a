package dev.serval.api.model;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.tensor.TensorView;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model file as a plugin sees it: typed metadata and named tensors, never bytes. Immutable;
 * {@code with…} and {@code without…} make changed copies, so that a plugin can repair a dialect.
 */
public final class ModelSource {

  private final String name;
  private final Metadata metadata;
  private final Map<String, TensorView> tensors;

  /**
   * Describes a model file.
   *
   * @param name for messages, such as the file's name
   * @param metadata the key/value pairs
   * @param tensors the tensors; of equal names the last counts
   */
  public ModelSource(String name, Metadata metadata, Collection<TensorView> tensors) {
    this.name = name;
    this.metadata = metadata;
    Map<String, TensorView> byName = new LinkedHashMap<>();
    for (TensorView t : tensors) {
      byName.put(t.name(), t);
    }
    this.tensors = Collections.unmodifiableMap(byName);
  }

  /** Name of the file, for messages. */
  public String name() {
    return name;
  }

  /** The key/value pairs. */
  public Metadata metadata() {
    return metadata;
  }

  /** All tensors, in file order. */
  public List<TensorView> tensors() {
    return List.copyOf(tensors.values());
  }

  /**
   * The name of the architecture.
   *
   * @throws ModelRefusedException ({@code KEY_MISSING}) if the file does not state it
   */
  public String architecture() {
    return metadata.requireText(Metadata.ARCHITECTURE);
  }

  /** The tensor of that name. */
  public Optional<TensorView> find(String tensor) {
    return Optional.ofNullable(tensors.get(tensor));
  }

  /**
   * The tensor that has the first of these names that is present.
   *
   * @param names accepted names, best first
   * @throws ModelRefusedException ({@code TENSOR_MISSING}) naming all accepted names
   */
  public TensorView tensor(String... names) {
    for (String n : names) {
      TensorView t = tensors.get(n);
      if (t != null) {
        return t;
      }
    }
    throw new ModelRefusedException(
        Reason.TENSOR_MISSING,
        name + ": tensor \"" + String.join("\" or \"", names) + "\" is missing");
  }

  /** The same with other metadata. */
  public ModelSource withMetadata(Metadata other) {
    return new ModelSource(name, other, tensors.values());
  }

  /** The same with a tensor added or replaced, under the view's name. */
  public ModelSource withTensor(TensorView tensor) {
    Map<String, TensorView> copy = new LinkedHashMap<>(tensors);
    copy.put(tensor.name(), tensor);
    return new ModelSource(name, metadata, copy.values());
  }

  /** The same without a tensor. */
  public ModelSource withoutTensor(String tensor) {
    Map<String, TensorView> copy = new LinkedHashMap<>(tensors);
    copy.remove(tensor);
    return new ModelSource(name, metadata, copy.values());
  }
}
