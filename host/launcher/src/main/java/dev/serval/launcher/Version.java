package dev.serval.launcher;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** The version that the jar states. */
final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    return new String[] {"serval " + text()};
  }

  static String text() {
    return Objects.requireNonNullElse(
        Main.class.getPackage().getImplementationVersion(), "(development build)");
  }
}
