package dev.serval.launcher;

import dev.serval.api.runtime.Serval;
import dev.serval.api.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The OSGi framework in this process: the distribution's bundles, and the plugins folder watched
 * for jars that come, change and go. The api and SLF4J are on the launcher's class path and
 * exported by the system bundle, so that the command line and the bundles see the same classes.
 */
final class Container implements AutoCloseable {

  private static final long START_SECONDS = 20;
  private static final long POLL_MILLIS = 500;
  private static final String API_BUNDLE = "dev.serval.api.jar";

  private final Framework framework;
  private final BundleCache cache;
  private final Serval serval;
  private final List<String> problems;
  private final PluginCheck plugins;

  private Container(
      Framework framework,
      BundleCache cache,
      Serval serval,
      List<String> problems,
      PluginCheck plugins) {
    this.framework = framework;
    this.cache = cache;
    this.serval = serval;
    this.problems = problems;
    this.plugins = plugins;
  }

  /**
   * Starts the framework and waits for the runtime.
   *
   * @param properties system properties that bundles read, such as the number of threads
   * @throws StartException if it does not come up
   */
  static Container start(Folders folders, Map<String, String> properties) {
    properties.forEach(System::setProperty);
    Objects.requireNonNull(Settings.ofProcess(Map.of())); // refuses what no bundle would take
    folders.create();
    List<Path> jars = jars(folders.bundles());
    BundleCache cache = null;
    Framework framework = null;
    try {
      cache = BundleCache.open(folders.cache(), jars);
      Map<String, String> config = configuration(folders, cache.folder());
      framework = newFramework(config);
      framework.init();
      List<String> problems = install(framework.getBundleContext(), jars);
      framework.start();
      Serval serval = await(framework.getBundleContext(), problems);
      PluginCheck plugins =
          PluginCheck.open(
              folders.plugins(), POLL_MILLIS, line -> System.err.println("serval: " + line));
      return new Container(framework, cache, serval, problems, plugins);
    } catch (BundleException | IOException | StartException e) {
      stop(framework, cache);
      if (e instanceof StartException s) {
        throw s;
      }
      throw new StartException("the OSGi framework does not start: " + e.getMessage(), e);
    }
  }

  private static List<Path> jars(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(p -> p.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new StartException("no bundles in " + folder + ": the distribution is incomplete", e);
    }
  }

  private static Framework newFramework(Map<String, String> config) {
    return ServiceLoader.load(FrameworkFactory.class)
        .findFirst()
        .orElseThrow(() -> new StartException("no OSGi framework on the class path"))
        .newFramework(config);
  }

  private static Map<String, String> configuration(Folders folders, Path cache) throws IOException {
    Map<String, String> config = new HashMap<>();
    config.put(Constants.FRAMEWORK_STORAGE, cache.resolve("felix").toString());
    config.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, hostPackages());
    // what the JDK puts into classes of flight recorder events while it records
    config.put(Constants.FRAMEWORK_BOOTDELEGATION, "jdk.jfr.internal.event");
    config.put("felix.fileinstall.dir", folders.plugins().toString());
    config.put("felix.fileinstall.poll", String.valueOf(POLL_MILLIS));
    // plugins that are there already are started before any command looks for them
    config.put("felix.fileinstall.noInitialDelay", "true");
    config.put("felix.fileinstall.tmpdir", cache.resolve("fileinstall").toString());
    config.put("felix.fileinstall.log.level", "1");
    config.put("felix.fileinstall.log.default", "jul"); // standard error; otherwise standard output
    config.put("felix.fileinstall.enableConfigSave", "false");
    config.put("felix.log.level", "1");
    config.put("ds.loglevel", "1");
    config.put("ds.global.extender", "false");
    return config;
  }

  /** The packages of the api and of SLF4J as their own manifests export them. */
  private static String hostPackages() throws IOException {
    List<String> headers = new ArrayList<>();
    for (Class<?> c : List.of(Serval.class, org.slf4j.Logger.class)) {
      Path jar = Path.of(c.getProtectionDomain().getCodeSource().getLocation().getPath());
      try (JarFile file = new JarFile(jar.toFile())) {
        String exports = file.getManifest().getMainAttributes().getValue(Constants.EXPORT_PACKAGE);
        if (exports == null) {
          throw new StartException(jar + " exports no packages");
        }
        headers.add(exports);
      }
    }
    return String.join(",", headers);
  }

  private static List<String> install(BundleContext context, List<Path> jars)
      throws BundleException {
    List<String> problems = new ArrayList<>();
    if (context.getBundles().length > 1) {
      return problems;
    }
    List<Bundle> installed = new ArrayList<>();
    for (Path jar : jars) {
      if (!jar.endsWith(API_BUNDLE)) {
        installed.add(context.installBundle("reference:" + jar.toUri()));
      }
    }
    for (Bundle b : installed) {
      BundleRevision revision = b.adapt(BundleRevision.class);
      if ((revision.getTypes() & BundleRevision.TYPE_FRAGMENT) == 0) {
        try {
          b.start(Bundle.START_ACTIVATION_POLICY);
        } catch (BundleException e) {
          problems.add(b.getSymbolicName() + ": " + e.getMessage());
        }
      }
    }
    return problems;
  }

  private static Serval await(BundleContext context, List<String> problems) {
    ServiceTracker<Serval, Serval> tracker = new ServiceTracker<>(context, Serval.class, null);
    tracker.open();
    try {
      Serval serval = tracker.waitForService(TimeUnit.SECONDS.toMillis(START_SECONDS));
      if (serval == null) {
        throw new StartException(
            "the engine did not start within "
                + START_SECONDS
                + " s"
                + (problems.isEmpty() ? "" : ": " + String.join("; ", problems)));
      }
      return serval;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StartException("interrupted while starting", e);
    }
  }

  /** The runtime. */
  Serval serval() {
    return serval;
  }

  /** What went wrong while bundles were started, if anything. */
  List<String> problems() {
    return List.copyOf(problems);
  }

  /** All bundles, by id; the framework itself first. */
  List<Bundle> bundles() {
    return List.of(framework.getBundleContext().getBundles());
  }

  @Override
  public void close() {
    plugins.close();
    stop(framework, cache);
  }

  private static void stop(@Nullable Framework framework, @Nullable BundleCache cache) {
    try {
      if (framework != null) {
        framework.stop();
        framework.waitForStop(TimeUnit.SECONDS.toMillis(START_SECONDS));
      }
      if (cache != null) {
        cache.close();
      }
    } catch (BundleException | IOException e) {
      System.err.println("serval: while stopping: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
