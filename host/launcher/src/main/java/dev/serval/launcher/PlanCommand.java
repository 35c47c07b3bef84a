package dev.serval.launcher;

import dev.serval.api.memory.ByteSize;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.runtime.PlanRequest.ImaginaryDevice;
import dev.serval.api.runtime.Serval;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval plan}: what a model would take on which device, without loading it. */
@Command(
    name = "plan",
    description = "Shows where a model would go and what it would take, without loading it.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    footer = {
      "%nSizes are bytes, or such as 11366MiB and 12G. Exits with 1 if the model does not fit.",
      "  serval plan model.gguf --num-ctx 8192 --devices 11366MiB,11366MiB"
    })
final class PlanCommand implements Callable<Integer> {

  /** How layers are put on devices. */
  enum Placement {
    BALANCED,
    ROUND_ROBIN;

    @Override
    public String toString() {
      return this == BALANCED ? "balanced" : "round-robin";
    }
  }

  private static final String INTEGRATED = ":integrated";

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Mixin private ModelOptions options = new ModelOptions();

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "SIZE[:integrated]",
      description = "imaginary devices with that much memory; default: those of this machine")
  private List<String> devices = new ArrayList<>();

  @Option(
      names = "--num-gpu",
      paramLabel = "N",
      description =
          "layers to put on devices, the output being one; the host takes the rest. -1 (default):"
              + " as many as fit; 999: all, fit or not")
  private int numGpu = PlanRequest.AUTOMATIC;

  @Option(names = "--spread", description = "use all devices even where fewer do")
  private boolean spread;

  @Option(names = "--full", description = "leave no layer to the host")
  private boolean full;

  @Option(
      names = "--strategy",
      paramLabel = "NAME",
      description =
          "balanced (default): few devices, shares by memory; round-robin: layers in turn")
  private Placement strategy = Placement.BALANCED;

  @Option(
      names = "--reserve",
      paramLabel = "SIZE",
      description = "memory of each device that stays untouched; default 457MiB, host 0")
  private @Nullable String reserve;

  @Option(
      names = "--overhead",
      paramLabel = "SIZE",
      description = "memory of each device that other programs take; default 0")
  private @Nullable String overhead;

  @Option(names = "--json", description = "print exact bytes as JSON")
  private boolean json;

  @Override
  public Integer call() {
    Folders folders = Folders.find();
    try (Container container = Container.start(folders, options.properties())) {
      MemoryPlan plan = container.serval().plan(request(container.serval(), folders));
      System.out.print(json ? PlanText.json(plan) : PlanText.table(plan));
      System.out.flush();
      return plan.shortfall().isPresent() ? 1 : 0;
    }
  }

  private PlanRequest request(Serval serval, Folders folders) {
    return new PlanRequest(
        options.request(serval, folders.model(model)),
        imaginary(),
        new PlanRequest.Options(
            strategy == Placement.BALANCED
                ? PlanRequest.Strategy.BALANCED
                : PlanRequest.Strategy.ROUND_ROBIN,
            numGpu,
            spread,
            full,
            size(reserve),
            size(overhead)));
  }

  private List<ImaginaryDevice> imaginary() {
    List<ImaginaryDevice> all = new ArrayList<>();
    for (String text : devices) {
      boolean integrated = text.endsWith(INTEGRATED);
      String size = integrated ? text.substring(0, text.length() - INTEGRATED.length()) : text;
      all.add(new ImaginaryDevice("device-" + all.size(), ByteSize.parse(size), integrated));
    }
    return all;
  }

  private static OptionalLong size(@Nullable String text) {
    return text == null ? OptionalLong.empty() : OptionalLong.of(ByteSize.parse(text));
  }
}
