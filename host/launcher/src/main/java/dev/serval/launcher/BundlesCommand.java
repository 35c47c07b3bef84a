package dev.serval.launcher;

import java.util.Map;
import java.util.concurrent.Callable;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import picocli.CommandLine.Command;

/** {@code serval bundles}: what runs in the container. */
@Command(
    name = "bundles",
    description = "Lists the bundles, their states and the services they offer.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class BundlesCommand implements Callable<Integer> {

  @Override
  public Integer call() {
    Folders folders = Folders.find();
    try (Container container = Container.start(folders, Map.of())) {
      for (Bundle b : container.bundles()) {
        System.out.printf(
            "%3d  %-9s  %-40s  %s%n",
            b.getBundleId(), state(b.getState()), b.getSymbolicName(), b.getVersion());
        ServiceReference<?>[] services = b.getRegisteredServices();
        if (services != null) {
          for (ServiceReference<?> s : services) {
            String[] names = (String[]) s.getProperty(Constants.OBJECTCLASS);
            for (String name : names) {
              if (name.startsWith("dev.serval.")) {
                System.out.println("                offers " + name);
              }
            }
          }
        }
      }
      System.out.println("plugins folder: " + folders.plugins());
      container.problems().forEach(p -> System.err.println("serval: " + p));
      return container.problems().isEmpty() ? 0 : 1;
    }
  }

  private static String state(int state) {
    return switch (state) {
      case Bundle.INSTALLED -> "installed";
      case Bundle.RESOLVED -> "resolved";
      case Bundle.STARTING -> "starting";
      case Bundle.STOPPING -> "stopping";
      case Bundle.ACTIVE -> "active";
      default -> "gone";
    };
  }
}
