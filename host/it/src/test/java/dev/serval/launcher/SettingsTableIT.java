package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.settings.Setting;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import picocli.CommandLine;

/** The table of settings, the Metatype of the bundles, the command line and the page agree. */
class SettingsTableIT {

  private static final Path BUNDLES = Path.of(System.getProperty("serval.distribution"), "bundles");
  private static final Path PAGE = Path.of("..", "..", "docs", "settings.md");

  /** One attribute of a bundle's Metatype. */
  private record Attribute(
      String pid,
      String description,
      String fallback,
      String least,
      String most,
      Set<String> words) {}

  private static Map<String, Attribute> metatype() throws Exception {
    Map<String, Attribute> attributes = new HashMap<>();
    try (Stream<Path> jars = Files.list(BUNDLES)) {
      for (Path jar : jars.filter(p -> p.getFileName().toString().startsWith("dev.")).toList()) {
        try (JarFile file = new JarFile(jar.toFile())) {
          for (JarEntry entry : file.stream().toList()) {
            if (entry.getName().startsWith("OSGI-INF/metatype/")
                && entry.getName().endsWith(".xml")) {
              try (InputStream in = file.getInputStream(entry)) {
                read(
                    DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in),
                    attributes);
              }
            }
          }
        }
      }
    }
    return attributes;
  }

  private static void read(Document xml, Map<String, Attribute> attributes) {
    String pid = ((Element) xml.getElementsByTagName("Designate").item(0)).getAttribute("pid");
    NodeList all = xml.getElementsByTagName("AD");
    for (int i = 0; i < all.getLength(); i++) {
      Element a = (Element) all.item(i);
      assertEquals("false", a.getAttribute("required"), a.getAttribute("id"));
      Set<String> words = new HashSet<>();
      NodeList options = a.getElementsByTagName("Option");
      for (int j = 0; j < options.getLength(); j++) {
        words.add(((Element) options.item(j)).getAttribute("value"));
      }
      attributes.put(
          a.getAttribute("id"),
          new Attribute(
              pid,
              a.getAttribute("description"),
              a.getAttribute("default"),
              a.getAttribute("min"),
              a.getAttribute("max"),
              words));
    }
  }

  @Test
  void metatypeSaysWhatTheTableSays() throws Exception {
    Map<String, Attribute> attributes = metatype();
    assertEquals(
        Stream.of(Setting.values()).map(Setting::key).collect(Collectors.toSet()),
        attributes.keySet());
    for (Setting s : Setting.values()) {
      Attribute expected =
          new Attribute(
              s.pid(),
              s.description(),
              s.fallback(),
              s.kind() instanceof Setting.Whole w ? Long.toString(w.least()) : "",
              s.kind() instanceof Setting.Whole w ? Long.toString(w.most()) : "",
              s.kind() instanceof Setting.Choice c ? Set.copyOf(c.words()) : Set.of());
      assertEquals(expected, attributes.get(s.key()), s.key());
    }
  }

  @ParameterizedTest
  @EnumSource
  void commandLineHasAnOptionForIt(Setting setting) {
    Set<String> flags =
        Main.commandLine(System.err).getSubcommands().values().stream()
            .map(CommandLine::getCommandSpec)
            .flatMap(c -> c.options().stream())
            .flatMap(o -> Stream.of(o.names()))
            .collect(Collectors.toSet());
    assertTrue(flags.contains(setting.flag()), setting.flag());
  }

  @ParameterizedTest
  @EnumSource
  void pageHasItsRow(Setting s) {
    String row =
        "| `%s` | `%s` | `%s` | %s | %s | %s | %s |"
            .formatted(
                s.key(),
                s.environment(),
                s.flag(),
                s.kind(),
                s.fallback().isEmpty() ? "automatic" : "`" + s.fallback() + "`",
                s.applied().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                s.description());
    assertTrue(page().contains(row), "expected in docs/settings.md: " + row);
  }

  @Test
  void pageHasNoOtherRow() {
    long rows = page().stream().filter(l -> l.startsWith("| `serval.")).count();
    assertEquals(Setting.values().length, rows);
  }

  private static List<String> page() {
    try {
      return Files.readAllLines(PAGE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
