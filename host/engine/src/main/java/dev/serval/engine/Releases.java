package dev.serval.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has to be closed at the end, in reverse order of {@link #add}. A failure of one does not
 * keep the others. Handed from the loading thread to the runner thread; not for use by both at
 * once.
 */
final class Releases implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Releases.class);

  private final Deque<AutoCloseable> all = new ArrayDeque<>();

  /** Adds something and returns it. */
  <T extends AutoCloseable> T add(T resource) {
    all.push(resource);
    return resource;
  }

  @Override
  public void close() {
    while (!all.isEmpty()) {
      AutoCloseable resource = all.pop();
      try {
        resource.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        LOG.warn("{} could not be closed: {}", resource.getClass().getName(), e.toString());
      }
    }
  }
}
