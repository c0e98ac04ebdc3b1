package dev.tandem.cli.terminal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class MemorySizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1000, 1000",
    "100b, 100",
    "64k, 65536",
    "512M, 536870912",
    "512MiB, 536870912",
    "2g, 2147483648",
    "2GB, 2147483648",
    "3T, 3298534883328",
    "8388607T, 9223370937343148032"
  })
  void unitsArePowersOf1024(String written, long bytes) {
    assertThat(MemorySize.of(written).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "M", "1.5G", "5X", "5 M", "0x10", "5MM", "8388608T", "1e9"})
  void anythingElseIsRefused(String written) {
    assertThatThrownBy(() -> MemorySize.of(written))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("'" + written + "' is ");
  }
}
