package dev.serval.tck.reference;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.Placement;
import dev.serval.api.tensor.Weights;
import java.util.List;

/** Weights used in place. Refuses to be closed twice, or before its programs. */
final class ReferencePlacement implements Placement {

  private final Weights weights;
  private final String graphDigest;
  private final Device device;
  private int programs;
  private boolean closed;

  ReferencePlacement(Weights weights, String graphDigest, Device device) {
    this.weights = weights;
    this.graphDigest = graphDigest;
    this.device = device;
  }

  /** The weights, for a new program of the graph with this digest. */
  synchronized Weights open(String digest) {
    if (closed) {
      throw new IllegalStateException("the placement is closed");
    }
    if (!digest.equals(graphDigest)) {
      throw new IllegalArgumentException("placed for graph " + graphDigest + ", not " + digest);
    }
    programs++;
    return weights;
  }

  /** A program is closed. */
  synchronized void release() {
    programs--;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public long leasedBytes() {
    return 0;
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public synchronized void close() {
    if (closed || programs > 0) {
      throw new IllegalStateException(
          closed ? "closed twice" : programs + " programs of this placement are open");
    }
    closed = true;
  }
}
