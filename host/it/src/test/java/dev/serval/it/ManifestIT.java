package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import aQute.bnd.header.Attrs;
import aQute.bnd.header.OSGiHeader;
import aQute.bnd.header.Parameters;
import aQute.bnd.osgi.Processor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ModuleFinder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

/** What the manifest and the module descriptor of each bundle of the distribution say. */
class ManifestIT {

  private static final String API = "dev.serval.api";
  private static final String VECTOR = "jdk.incubator.vector";
  private static final String CPU = "dev.serval.backend.cpu";
  private static final String ENGINE = "dev.serval.engine";
  private static final String EVENTS = "jdk.jfr";
  private static final String JSON = "tools.jackson.core";
  private static final String SERVICES = "META-INF/services/";
  private static final Path BUNDLES = Path.of(System.getProperty("serval.distribution"), "bundles");

  /** A bundle as it was read. */
  record Bundle(
      String file,
      Map<String, String> headers,
      Set<String> packages,
      Map<String, Set<String>> services,
      ModuleDescriptor module) {

    String name() {
      return headers.getOrDefault("Bundle-SymbolicName", "");
    }

    boolean isApi() {
      return name().equals(API);
    }

    Parameters header(String name) {
      return OSGiHeader.parseHeader(headers.getOrDefault(name, ""));
    }

    @Override
    public String toString() {
      return file;
    }
  }

  static Stream<Bundle> bundles() throws IOException {
    try (Stream<Path> files = Files.list(BUNDLES)) {
      return files
          .filter(p -> p.getFileName().toString().startsWith("dev.serval."))
          .sorted()
          .map(ManifestIT::read)
          .toList()
          .stream();
    }
  }

  private static Bundle read(Path path) {
    try (JarFile jar = new JarFile(path.toFile())) {
      Map<String, String> headers = new TreeMap<>();
      jar.getManifest()
          .getMainAttributes()
          .forEach((key, value) -> headers.put(key.toString(), value.toString()));
      Set<String> packages = new TreeSet<>();
      Map<String, Set<String>> services = new TreeMap<>();
      for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
        String name = entry.getName();
        if (name.endsWith(".class") && name.contains("/")) {
          packages.add(name.substring(0, name.lastIndexOf('/')).replace('/', '.'));
        } else if (name.startsWith(SERVICES) && !entry.isDirectory()) {
          String lines =
              new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
          services.put(
              name.substring(SERVICES.length()), lines.lines().collect(Collectors.toSet()));
        }
      }
      ModuleDescriptor module =
          ModuleFinder.of(path).findAll().stream().findFirst().orElseThrow().descriptor();
      return new Bundle(path.getFileName().toString(), headers, packages, services, module);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void bundlesOfTheDistributionAreAllRead() throws IOException {
    Set<String> names = bundles().map(Bundle::name).collect(Collectors.toSet());
    assertTrue(
        names.containsAll(Set.of(API, ENGINE, CPU, "dev.serval.models.gemma")), names::toString);
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void isNamedAsItsFileItsModuleAndItsPackages(Bundle bundle) {
    assertEquals(bundle.file(), bundle.name() + ".jar");
    assertEquals(bundle.name(), bundle.module().name());
    assertFalse(bundle.module().isAutomatic(), "module-info.class is missing");
    for (String p : bundle.packages()) {
      assertTrue(p.equals(bundle.name()) || p.startsWith(bundle.name() + "."), p);
    }
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void exportsAllPackagesIfItIsTheApiAndElseNone(Bundle bundle) {
    Set<String> expected = bundle.isApi() ? bundle.packages() : Set.of();
    Parameters exports = bundle.header("Export-Package");
    assertEquals(expected, new TreeSet<>(exports.keySet()));
    exports.forEach((name, a) -> assertTrue(a.getVersion().matches("\\d+\\.\\d+\\.\\d+"), name));
    Set<String> ofModule =
        bundle.module().exports().stream()
            .peek(e -> assertFalse(e.isQualified(), e::toString))
            .map(ModuleDescriptor.Exports::source)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(expected, ofModule);
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void importsTheApiTheJdkAndFewLibrariesOnly(Bundle bundle) {
    Parameters imports = bundle.header("Import-Package");
    assertFalse(imports.isEmpty());
    for (String name : imports.keySet()) {
      boolean allowed =
          name.startsWith(API + ".")
              || name.startsWith("java.")
              || (name.equals("org.slf4j") && !bundle.isApi())
              || ((name.equals(JSON) || name.startsWith(JSON + "."))
                  && bundle.name().equals(ENGINE))
              || (name.equals(EVENTS) && bundle.name().equals(ENGINE))
              || (name.equals(VECTOR) && bundle.name().equals(CPU));
      assertTrue(allowed, name);
    }
    assertEquals(bundle.name().equals(CPU), imports.containsKey(VECTOR));
    if (bundle.name().equals(CPU)) {
      assertEquals("optional", imports.get(VECTOR).get("resolution:"));
    }
    assertFalse(bundle.headers().containsKey("DynamicImport-Package"));
    assertFalse(bundle.headers().containsKey("Require-Bundle"));
  }

  /** Plugins run on every later 1.y; what implements the runtime's side is rebuilt per minor. */
  @ParameterizedTest
  @MethodSource("bundles")
  void importsTheApiInRangesThatMatchItsPart(Bundle bundle) throws IOException {
    Parameters exports =
        bundles().filter(Bundle::isApi).findFirst().orElseThrow().header("Export-Package");
    Map<String, Set<String>> provided =
        Map.of(
            CPU, Set.of(API + ".backend", API + ".kv"),
            ENGINE, Set.of(API + ".runtime", API + ".memory", API + ".model", API + ".tensor"));
    bundle
        .header("Import-Package")
        .forEach((name, attrs) -> {
          if (name.startsWith(API + ".")) {
            Version v = new Version(exports.get(name).getVersion());
            Version end =
                provided.getOrDefault(bundle.name(), Set.of()).contains(name)
                    ? new Version(v.getMajor(), v.getMinor() + 1, 0)
                    : new Version(v.getMajor() + 1, 0, 0);
            VersionRange range = new VersionRange(attrs.getVersion());
            assertTrue(range.includes(v), () -> name + " " + range);
            assertEquals(end, range.getRight(), () -> name + " " + range);
          }
        });
  }

  /** A mandatory requirement of SPI Fly's kind would keep the bundle from resolving. */
  @ParameterizedTest
  @MethodSource("bundles")
  void requiresNothingOfAFrameworkButComponentsAndJava(Bundle bundle) {
    bundle
        .header("Require-Capability")
        .forEach((key, attrs) -> {
          switch (Processor.removeDuplicateMarker(key)) {
            case "osgi.ee" -> assertEquals("(&(osgi.ee=JavaSE)(version=25))", attrs.get("filter:"));
            case "osgi.extender" ->
                assertTrue(filter(attrs).contains("(osgi.extender=osgi.component)"), filter(attrs));
            case "osgi.service" -> assertEquals("active", attrs.get("effective:"));
            case "osgi.serviceloader" -> assertEquals("meta", attrs.get("effective:"));
            default -> throw new AssertionError(key + ";" + attrs);
          }
        });
  }

  private static String filter(Attrs attrs) {
    return String.valueOf(attrs.get("filter:"));
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void requiresTheModulesItNeedsAndTheVectorModuleIfThere(Bundle bundle) {
    Set<String> always = new TreeSet<>();
    Set<String> whereThere = new TreeSet<>();
    for (Requires r : bundle.module().requires()) {
      (r.modifiers().contains(Requires.Modifier.STATIC) ? whereThere : always).add(r.name());
    }
    Set<String> allowed = new TreeSet<>(Set.of("java.base"));
    if (!bundle.isApi()) {
      allowed.addAll(Set.of(API, "org.slf4j"));
    }
    if (bundle.name().equals(ENGINE)) {
      allowed.addAll(Set.of(JSON, EVENTS));
    }
    assertTrue(allowed.containsAll(always), always::toString);
    assertEquals(!bundle.isApi(), always.contains(API));
    assertEquals(
        bundle.name().equals(CPU) ? Set.of(VECTOR, "org.jspecify") : Set.of("org.jspecify"),
        whereThere);
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void providesToModulesWhatItProvidesOnTheClassPath(Bundle bundle) {
    Map<String, Set<String>> ofModule =
        bundle.module().provides().stream()
            .collect(
                Collectors.toMap(
                    ModuleDescriptor.Provides::service, p -> Set.copyOf(p.providers())));
    assertEquals(bundle.services(), ofModule);
    assertEquals(bundle.isApi(), bundle.services().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void usesTheServicesItLooksFor(Bundle bundle) {
    Map<String, Set<String>> expected =
        Map.of(
            API, Set.of(API + ".runtime.ServalProvider"),
            ENGINE, Set.of(API + ".backend.Backend", API + ".model.ModelArchitecture"));
    assertEquals(expected.getOrDefault(bundle.name(), Set.of()), bundle.module().uses());
  }

  @Test
  void refusesWhatIsNotAllowed() {
    Bundle odd =
        new Bundle(
            "odd.jar",
            Map.of(
                "Bundle-SymbolicName", "odd",
                "Import-Package", "org.jspecify.annotations",
                "Require-Capability",
                    "osgi.extender;filter:=\"(osgi.extender=osgi.serviceloader.processor)\""),
            Set.of("odd"),
            Map.of(),
            ModuleDescriptor.newModule("odd").requires("org.jspecify").build());
    for (Runnable check :
        List.<Runnable>of(
            () -> importsTheApiTheJdkAndFewLibrariesOnly(odd),
            () -> requiresNothingOfAFrameworkButComponentsAndJava(odd),
            () -> requiresTheModulesItNeedsAndTheVectorModuleIfThere(odd))) {
      assertThrows(AssertionError.class, check::run);
    }
  }
}
