package dev.serval.engine;

import dev.serval.api.runtime.ModelWatch;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who wants to know when models come and go. Thread-safe. */
final class ModelWatches {
  private static final Logger LOG = LoggerFactory.getLogger(ModelWatches.class);

  /** One of them; two watches of the same action are two. */
  private final class Watch implements ModelWatch {
    private final Runnable changed;

    private Watch(Runnable changed) {
      this.changed = changed;
    }

    @Override
    public void close() {
      watches.remove(this);
    }
  }

  private final List<Watch> watches = new CopyOnWriteArrayList<>();

  ModelWatch add(Runnable changed) {
    Watch watch = new Watch(changed);
    watches.add(watch);
    return watch;
  }

  /** Tells all; one that fails keeps no other from being told, nor a model from coming or going. */
  void changed() {
    for (Watch watch : watches) {
      try {
        watch.changed.run();
      } catch (RuntimeException | LinkageError e) {
        LOG.warn("{} failed: {}", watch.changed.getClass().getName(), e.toString());
      }
    }
  }
}
