package dev.serval.tck;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * What a backend computes is checked in as {@code src/test/resources/support-<backend>.txt} of its
 * module, so that nothing is lost unnoticed and other contracts cannot be passed by refusing.
 */
public abstract class SupportTableContract extends BackendContract {

  /** For subclasses. */
  protected SupportTableContract() {}

  /** The table that is checked in is the table that holds. */
  @Test
  public void supportIsWhatIsCheckedIn() throws IOException {
    SupportTable now = SupportTable.of(backend(), device());
    SupportTable before = SupportTable.checkedIn(getClass(), backend().name());
    List<String> lost = before.lostIn(now);
    if (lost.isEmpty() && now.toString().equals(before.toString())) {
      return;
    }
    String file = SupportTable.fileName(backend().name());
    Path written = Path.of("target", file);
    Files.createDirectories(written.toAbsolutePath().getParent());
    Files.writeString(written, now.toString());
    Assertions.fail(
        (lost.isEmpty() ? "support has grown" : "support is lost: " + lost)
            + "; if that is meant, copy "
            + written
            + " to src/test/resources/"
            + file
            + "; it now reads\n"
            + now);
  }

  /** Nobody may refuse F32 weights and an F32 cache. */
  @Test
  public void everyOpIsSupportedWithFloatWeightsAndCache() {
    List<String> refused = SupportTable.of(backend(), device()).refusedBasics();
    Assertions.assertEquals(List.of(), refused, "ops refused with F32 weights and F32 cache");
  }
}
