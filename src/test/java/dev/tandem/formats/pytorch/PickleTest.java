package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.pytorch.Pickle.None;
import dev.tandem.model.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Hexadecimal pickles here are what CPython 3.11's pickle.dumps gives. */
class PickleTest {

  private static Object read(byte[] pickle) throws IOException {
    return Pickle.read("file.pt", ByteBuffer.wrap(pickle), new TorchObjects("file.pt"));
  }

  private static Object read(String hex) throws IOException {
    return read(HexFormat.of().parseHex(hex));
  }

  /** Instructions as text, whose ISO 8859-1 characters are bytes; PROTO 2 goes before them. */
  private static byte[] code(String instructions) {
    return ("\u0080\u0002" + instructions).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void assertRefused(byte[] pickle, String... parts) {
    assertThatThrownBy(() -> read(pickle))
        .isInstanceOf(ModelFormatException.class)
        .message()
        .contains(parts)
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "80027d71002858010000006171015d7102284b014bff4dffff4affffffff4a701101008a060000000000018a08"
            + "00000000000000808a090000000000000000406558010000006271032958010000006371044b01857105"
            + "58010000006471064b014b0286710758010000006571084b014b024b0387710958010000006671"
            + "0a284b014b024b034b0474710b580100000067710c473ff8000000000000580100000068710d88580100"
            + "000069710e8958010000006a710f4e58010000006b71105802000000c3a9711158010000006c71125d71"
            + "13285801000000787114681465752e",
        "800495a0000000000000007d94288c0161945d94284b014bff4dffff4affffffff4a701101008a060000000000"
            + "018a0800000000000000808a09000000000000000040658c016294298c0163944b0185948c0164944b01"
            + "4b0286948c0165944b014b024b0387948c016694284b014b024b034b0474948c016794473ff800000000"
            + "00008c016894888c016994898c016a944e8c016b948c02c3a9948c016c945d94288c017894681465752e",
        "800595a0000000000000007d94288c0161945d94284b014bff4dffff4affffffff4a701101008a060000000000"
            + "018a0800000000000000808a09000000000000000040658c016294298c0163944b0185948c0164944b01"
            + "4b0286948c0165944b014b024b0387948c016694284b014b024b034b0474948c016794473ff800000000"
            + "00008c016894888c016994898c016a944e8c016b948c02c3a9948c016c945d94288c017894681465752e"
      })
  void plainDataOfCPython(String hex) throws IOException {
    Object value = read(hex);
    assertThat(value).isInstanceOf(Map.class);
    Map<?, ?> map = (Map<?, ?>) value;
    Object[] expected = {
      "a",
      List.of(
          1L, 255L, 65535L, -1L, 70000L, 1L << 40, Long.MIN_VALUE, BigInteger.ONE.shiftLeft(70)),
      "b",
      List.of(),
      "c",
      List.of(1L),
      "d",
      List.of(1L, 2L),
      "e",
      List.of(1L, 2L, 3L),
      "f",
      List.of(1L, 2L, 3L, 4L),
      "g",
      1.5,
      "h",
      true,
      "i",
      false,
      "j",
      None.NONE,
      "k",
      "\u00e9",
      "l",
      List.of("x", "x")
    };
    assertThat(map).hasSize(expected.length / 2);
    for (int i = 0; i < expected.length; i += 2) {
      assertThat(map.get(expected[i])).isEqualTo(expected[i + 1]);
    }
  }

  @Test
  void setsAndOrderedDictionariesOfCPython() throws IOException {
    assertThat(read("8004950b000000000000008f94284b014b024b03902e")).isEqualTo(Set.of(1L, 2L, 3L));
    for (String hex :
        List.of(
            "800263636f6c6c656374696f6e730a4f726465726564446963740a710029527101285801000000617102"
                + "4b0158010000006271035d7104752e",
            "80049530000000000000008c0b636f6c6c656374696f6e73948c0b4f7264657265644469637494939429"
                + "5294288c0161944b018c0162945d94752e")) {
      assertThat(read(hex)).isEqualTo(Map.of("a", 1L, "b", List.of()));
    }
  }

  /** os.system('true') and the built-in eval, by protocols 2 and 4. */
  @ParameterizedTest
  @CsvSource({
    "posix.system, 800263706f7369780a73797374656d0a710058040000007472756571018571025271032e",
    "posix.system, 8004951f000000000000008c05706f736978948c0673797374656d9493948c0474727565"
        + "9485945294 2e",
    "__builtin__.eval, 8002635f5f6275696c74696e5f5f0a6576616c0a71002e"
  })
  void whateverWouldBeRunIsNamed(String symbol, String hex) {
    assertRefused(
        HexFormat.of().parseHex(hex.replace(" ", "")),
        "nothing that must be run",
        "attacks whoever loads it",
        "got " + symbol);
  }

  /** An instance of a class B with the attribute x, by protocols 2 and 4. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "8002635f5f6d61696e5f5f0a420a7100298171017d710258010000007871034b0173622e",
        "8004951f000000000000008c085f5f6d61696e5f5f948c01429493942981947d948c0178944b0173622e"
      })
  void instancesAreInert(String hex) throws IOException {
    Object value = read(hex);
    assertThat(value).isInstanceOf(Pickle.Inert.class);
    Pickle.Inert inert = (Pickle.Inert) value;
    assertThat(inert.name()).isEqualTo("__main__.B");
    assertThat(inert.attributes()).isEqualTo(Map.of("x", 1L));
  }

  /** Whatever is done with them, they stay as they are. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "ca\nb\n)R.",
        "ca\nb\n)\u0081.",
        "ca\nb\n)}\u0092.",
        "ca\nb\n)RK\u0001a.",
        "ca\nb\n)R(K\u0001e.",
        "ca\nb\n)RK\u0001K\u0002s.",
        "ca\nb\n)R(K\u0001\u0090.",
        "ca\nb\n)RK\u0001b.",
        "ca\nb\n)R)R.",
        "ca\nb\n)R}b."
      })
  void unknownSymbolsYieldInertObjects(String instructions) throws IOException {
    Object value = read(code(instructions));
    assertThat(value).isInstanceOf(Pickle.Inert.class);
    assertThat(((Pickle.Inert) value).attributes()).isEmpty();
  }

  @Test
  void whatIsLeftBehindIsTheRest() throws IOException {
    ByteBuffer two = ByteBuffer.wrap(code("K\u0001.K\u0002."));
    assertThat(Pickle.read("file", two, new TorchObjects("file"))).isEqualTo(1L);
    assertThat(Pickle.read("file", two, new TorchObjects("file"))).isEqualTo(2L);
    assertThat(two.hasRemaining()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cos\nsystem\n.", // GLOBAL
        "U\u0002osU\u0006system\u0093.", // STACK_GLOBAL
        "(ios\nsystem\n.", // INST
        "(U\u0004trueios\nsystem\n.",
        "cos\nsystem\nU\u0004true\u0085R.", // REDUCE
        "cos\nsystem\n)\u0081.", // NEWOBJ
        "cos\nsystem\n)R}b.", // BUILD
        "ccollections\nOrderedDict\n)Rcos\nsystem\nb."
      })
  void callsOfAnythingAreNamed(String instructions) {
    assertRefused(code(instructions), "os.system");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "collections.OrderedDict|ccollections%OrderedDict%(K\u0001tR.",
        "collections.OrderedDict|(icollections%OrderedDict%.",
        "torch.FloatStorage|ctorch%FloatStorage%)R.",
        "torch._utils._rebuild_tensor_v2|ctorch._utils%_rebuild_tensor_v2%)R.",
        "torch._utils._rebuild_parameter|ctorch._utils%_rebuild_parameter%)R.",
        "torch.Size|ctorch%Size%(K\u0001K\u0002tR.",
        "a tuple of arguments|ctorch%Size%K\u0001R.",
        "the name of a function to call|K\u0001)R.",
        "attributes of a dictionary|ctorch%Size%}b.",
        "attributes of a dictionary|]}b.",
        "persistent id|K\u0001Q.",
        "persistent id|(U\u0007storageK\u0001U\u00010U\u0003cpuK\u0001tQ.",
      })
  void knownSymbolsAreNotCalledOtherwise(String named, String instructions) {
    assertRefused(code(instructions.replace('%', '\n')), named);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "opcode 0x50|P0~.", // PERSID
        "opcode 0x6f|(o.", // OBJ
        "opcode 0x82|\u0082a.", // EXT1
        "opcode 0x32|)2.", // DUP
        "none at 7|h\u0007.",
        "a value on the stack|.",
        "a value on the stack|(.",
        "a value on the stack|(K\u0001t\u0085\u0085\u0086.",
        "a mark on the stack|K\u0001t.",
        "a list to append to|)K\u0001a.",
        "a list to append to|}(K\u0001e.",
        "a set to add to|](K\u0001\u0090.",
        "pairs of keys|}(K\u0001u.",
        "pairs of keys|]K\u0001K\u0002s.",
        "a text or number as a key|}])s.",
        "a text or number as a key|\u008f(]\u0090.",
        "the end of the pickle|X\u00ff\u00ff\u00ff\u00ffa.",
        "the end of the pickle|\u008a\u00ffa",
        "the end of the pickle|cos",
        "pickle protocol 2 to 5|\u0080\u0001.",
        "pickle protocol 2 to 5|\u0080\u0006.",
      })
  void malformedOnesSayWhatIsWrong(String named, String instructions) {
    assertRefused(code(instructions), named);
  }

  @Test
  @Timeout(20)
  void lengthAndDepthAreBounded() throws IOException {
    byte[] nested = new byte[1 << 20];
    Arrays.fill(nested, (byte) ']');
    nested[0] = (byte) 0x80;
    nested[1] = 2;
    assertRefused(nested, "at most 524288 instructions");
    // a list in a list in a list ...: 100,000 deep, which nothing here descends into
    ByteArrayOutputStream deep = new ByteArrayOutputStream();
    deep.writeBytes(code(""));
    for (int i = 0; i < 100_000; i++) {
      deep.write(']');
    }
    for (int i = 1; i < 100_000; i++) {
      deep.write('a');
    }
    deep.write('.');
    assertThat(read(deep.toByteArray())).isInstanceOf(List.class);
    // a list that contains itself, as a value and as a key
    assertThat(read(code("]q\u0000h\u0000a."))).isInstanceOf(List.class);
    assertRefused(code("]q\u0000h\u0000a}h\u0000h\u0000s."), "as a key");
    assertRefused(code("]q\u0000h\u0000ah\u0000\u0093."), "the name of a module");
  }
}
