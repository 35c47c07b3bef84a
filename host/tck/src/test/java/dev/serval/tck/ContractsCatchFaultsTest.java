package dev.serval.tck;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.graph.Mark;
import dev.serval.tck.FaultyBackend.Fault;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;

/** Each contract fails for a backend that breaks it. */
@SuppressWarnings("JUnitMethodInvoked") // the contracts' tests are the code under test
class ContractsCatchFaultsTest {

  private static OpContract ops(Fault fault) {
    return new OpContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static ProgramContract programs(Fault fault) {
    return new ProgramContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static ProgramLifeContract lives(Fault fault) {
    return new ProgramLifeContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static KvTransferContract transfers(Fault fault) {
    return new KvTransferContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static KvShiftContract shifts(Fault fault) {
    return new KvShiftContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static ObservedValuesContract observers(Fault fault) {
    return new ObservedValuesContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  private static InterruptContract interrupts(Fault fault) {
    return new InterruptContract() {
      @Override
      protected Backend backend(Consumer<Mark> probe) {
        return new FaultyBackend(fault, probe);
      }
    };
  }

  private static SupportTableContract tables(Fault fault) {
    return new SupportTableContract() {
      @Override
      protected Backend backend() {
        return new FaultyBackend(fault);
      }
    };
  }

  /** Runs the first few tests of a factory. */
  private static void runSome(Stream<DynamicTest> tests) throws Throwable {
    for (DynamicTest test : tests.limit(3).toList()) {
      test.getExecutable().execute();
    }
  }

  @Test
  void faultlessBackendPasses() {
    assertDoesNotThrow(() -> runSome(ops(Fault.NONE).opsOnValuesAgreeWithTheReference()));
    assertDoesNotThrow(() -> runSome(programs(Fault.NONE).neighboursDoNotChangeARow()));
  }

  @Test
  void refusingIsNoWayToPass() {
    AssertionError lost =
        assertThrows(AssertionError.class, () -> tables(Fault.REFUSES).supportIsWhatIsCheckedIn());
    assertTrue(lost.toString().contains("support is lost"), lost::toString);
    assertThrows(
        AssertionError.class,
        () -> tables(Fault.REFUSES).everyOpIsSupportedWithFloatWeightsAndCache());
    assertThrows(
        RuntimeException.class,
        () -> runSome(ops(Fault.REFUSES).opsOnValuesAgreeWithTheReference()));
  }

  @Test
  void wrongNumbersAreCaught() {
    for (Fault fault : new Fault[] {Fault.DRIFTS, Fault.NOT_A_NUMBER}) {
      assertThrows(AssertionError.class, () -> runSome(ops(fault).ropeAgreesWithTheReference()));
      assertThrows(
          AssertionError.class, () -> runSome(programs(fault).exactModeAgreesWithTheReference()));
    }
  }

  @Test
  void resultsThatDependOnNeighboursAreCaught() {
    assertThrows(
        AssertionError.class,
        () -> runSome(programs(Fault.COUNTS_ROWS).chunkedPrefillIsWholePrefill()));
  }

  @Test
  void writesBehindTheResultsAreCaught() {
    AssertionError e =
        assertThrows(
            AssertionError.class,
            () -> runSome(ops(Fault.OVERRUNS).opsOnValuesAgreeWithTheReference()));
    assertTrue(e.toString().contains("stray write"), e::toString);
  }

  @Test
  void valuesThatDependOnBeingLookedAtOrAreOthersAreCaught() {
    assertThrows(
        AssertionError.class,
        () -> runSome(observers(Fault.HEEDS_OBSERVERS).observingChangesNoBit()));
    assertThrows(
        AssertionError.class,
        () -> runSome(observers(Fault.DRIFTS).observedValuesAreThoseOfTheReference()));
  }

  @Test
  void plansThatAreOffAndMemoryThatIsKeptAreCaught() {
    assertThrows(AssertionError.class, () -> runSome(lives(Fault.PLANS_MORE).planIsWhatIsLeased()));
    AssertionError e =
        assertThrows(
            AssertionError.class,
            () -> lives(Fault.LEAKS).secondProgramOfTheSameWeightsComputesTheSame());
    assertTrue(e.toString().contains("forgotten"), e::toString);
  }

  @Test
  void ignoredInterruptsAndDeadlinesAreCaught() {
    assertThrows(
        AssertionError.class,
        () -> lives(Fault.NEVER_STOPS).interruptedStepIsAbortedAndTheProgramStaysUsable());
    assertThrows(
        AssertionError.class, () -> lives(Fault.NEVER_LATE).missedDeadlineLosesTheProgram());
  }

  @Test
  void interruptsAndDeadlinesThatMissTheirLayerAreCaught() {
    for (Fault fault : new Fault[] {Fault.NEVER_STOPS, Fault.DIES_OF_INTERRUPTS}) {
      assertThrows(
          AssertionError.class,
          () -> interrupts(fault).stepInterruptedAtAnyLayerEndsThereAndGivesTheSameWhenRunAgain());
    }
    assertThrows(
        AssertionError.class,
        () -> interrupts(Fault.NEVER_LATE).lateStepLosesItsProgramAndTheQueueGoesOnForOthers());
  }

  @Test
  void weightsThatArePlacedTwiceAreCaught() {
    assertThrows(
        AssertionError.class,
        () -> lives(Fault.PLACES_TWICE).placementsOfTheSameWeightsShareTheirMemory());
  }

  @Test
  void cacheRowsThatGetLostOrMixedUpAreCaught() {
    assertThrows(
        AssertionError.class,
        () -> runSome(transfers(Fault.FORGETS_A_ROW).exportedCacheGoesOnInAnotherProgram()));
    assertThrows(
        AssertionError.class,
        () -> transfers(Fault.TAKES_ANY_ROW).slotsCellsAndSizesThatDoNotFitAreRefused());
  }

  @Test
  void keysThatAreMovedWronglyAreCaught() {
    AssertionError e =
        assertThrows(
            AssertionError.class,
            () -> runSome(shifts(Fault.SHIFTS_BACKWARDS).movedKeysAreThoseOfTheirNewPosition()));
    assertTrue(e.toString().contains("up, slot 0"), e::toString);
    assertThrows(
        AssertionError.class,
        () -> runSome(shifts(Fault.SHIFTS_WITH_MAGNITUDE).movedKeysAreThoseOfTheReference()));
    assertThrows(
        AssertionError.class,
        () -> shifts(Fault.DENIES_SHIFTS).slotsAndCellsThatDoNotFitAreRefused());
  }
}
