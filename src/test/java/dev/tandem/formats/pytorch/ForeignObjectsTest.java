package dev.tandem.formats.pytorch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.formats.Checkpoints;
import dev.tandem.formats.families.ForeignLayouts;
import dev.tandem.formats.huggingface.HuggingFaceLlamaTest;
import dev.tandem.formats.pytorch.TorchWriter.Foreign;
import dev.tandem.model.Checkpoint;
import dev.tandem.model.ModelFormatException;
import dev.tandem.model.TestModels;
import dev.tandem.tensor.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Objects beside the weights of whatever class: they stay inert and are named. */
class ForeignObjectsTest {
  private static final Foreign NAMESPACE =
      new Foreign("argparse", "Namespace", List.of(), Map.of("lr", 0.001));
  private static final Foreign PATH =
      new Foreign("pathlib", "PosixPath", List.of("out", "a"), Map.of());
  private static final Foreign SET =
      new Foreign("__builtin__", "set", List.of(List.of(1, 2)), Map.of());

  private final Path directory;

  ForeignObjectsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private Path file() {
    return directory.resolve("ckpt.pt");
  }

  private static Checkpoint open(Path path) throws IOException {
    return Checkpoints.open(path.toString(), Optional.empty());
  }

  private Map<String, Object> top(TorchWriter torch, Checkpoint model) throws IOException {
    Files.writeString(directory.resolve("config.json"), TestModels.configJson(TestModels.GPT2));
    Map<String, Object> top = new LinkedHashMap<>();
    top.put("model", torch.stateDict(ForeignLayouts.gpt2(model, "", true, true)));
    return top;
  }

  @ParameterizedTest
  @CsvSource({"2, false", "2, true", "4, false", "5, true"})
  void beTheyWhatTheyMayTheWeightsAreRead(int protocol, boolean old) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    TorchWriter torch = new TorchWriter(protocol);
    Map<String, Object> top = top(torch, model);
    top.put("args", NAMESPACE);
    top.put("where", List.of(PATH, Map.of("deep", List.of(SET))));
    top.put("again", NAMESPACE);
    if (old) {
      torch.saveOld(file(), top, List.of());
    } else {
      torch.save(file(), top, false, true);
    }
    try (Checkpoint read = open(file())) {
      HuggingFaceLlamaTest.assertSame(read, model);
      assertThat(read.notes())
          .singleElement()
          .asString()
          .contains("argparse.Namespace, pathlib.PosixPath, __builtin__.set");
    }
  }

  /**
   * nanoGPT's forks keep the config as a dataclass: its attributes are data like a dictionary's.
   */
  @Test
  void aConfigMayBeSuchAnObject() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> top = top(torch, model);
    Files.delete(directory.resolve("config.json"));
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("model_type", "gpt2");
    attributes.put("n_layer", 2);
    attributes.put("n_head", 2);
    attributes.put("n_embd", 12);
    attributes.put("n_inner", 20);
    attributes.put("n_positions", 16);
    attributes.put("vocab_size", 1024);
    top.put("config", new Foreign("__main__", "GPTConfig", List.of(), attributes));
    torch.save(file(), top, false, true);
    try (Checkpoint read = open(file())) {
      HuggingFaceLlamaTest.assertSame(read, model);
      assertThat(read.notes()).singleElement().asString().contains("__main__.GPTConfig");
    }
  }

  @Test
  void weightsThatAreSuchObjectsAreNamed() throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> members =
        new LinkedHashMap<>(torch.stateDict(ForeignLayouts.gpt2(model, "", true, true)).members());
    members.put("wte.weight", new Foreign("torch._utils", "_rebuild_qtensor", List.of(), Map.of()));
    torch.save(file(), new TorchWriter.StateDict(members), false, true);
    assertRefused("wte.weight: expected a tensor", "torch._utils._rebuild_qtensor");
    TorchWriter whole = new TorchWriter(2);
    whole.save(file(), new Foreign("net", "GPT", List.of(), Map.of("a", 1)), false, true);
    assertRefused("a state_dict", "torch.save(model.state_dict(), FILE)", "an object of net.GPT");
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "nt, system",
    "subprocess, Popen",
    "builtins, eval",
    "__builtin__, execfile",
    "builtins, __import__",
    "importlib, import_module",
    "sys, exit"
  })
  void whatAttacksPythonIsRefused(String module, String name) throws IOException {
    Checkpoint model = ForeignLayouts.random(TestModels.GPT2, DType.F32, 3);
    TorchWriter torch = new TorchWriter(2);
    Map<String, Object> top = top(torch, model);
    top.put("args", new Foreign(module, name, List.of("true"), Map.of()));
    torch.save(file(), top, false, true);
    assertRefused("attacks whoever loads it", module + "." + name);
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> open(file()).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(parts);
  }

  /**
   * What CPython 3.11's pickle.dumps gives, with protocols 2 and 4: {@code {'n':
   * numpy.float64(1.5), 'p': Path('a'), 's': {1, (2, 3)}, 'f': frozenset({1}), 'b': b'xy', 'd':
   * defaultdict(list, {1: [2]}), 'e': Color.RED, 't': {(1, 2): 3}}}.
   */
  @ParameterizedTest
  @ValueSource(strings = {PYTHON_2, PYTHON_4})
  void objectsOfCPython(String hex) throws IOException {
    TorchObjects objects = new TorchObjects("file");
    Object top = Pickle.read("file", ByteBuffer.wrap(HexFormat.of().parseHex(hex)), objects);
    assertThat(top).isInstanceOf(Map.class);
    Map<?, ?> map = (Map<?, ?>) top;
    assertThat(map.keySet()).hasToString("[n, p, s, f, b, d, e, t]");
    assertThat(map.get("n")).isInstanceOf(Pickle.Inert.class);
    assertThat(map.get("p")).isInstanceOf(Pickle.Inert.class);
    assertThat(map.get("e")).isInstanceOf(Pickle.Inert.class);
    assertThat(map.get("t")).asInstanceOf(InstanceOfAssertFactories.MAP).containsValue(3L);
    assertThat(objects.unknown()).contains("pathlib.PosixPath", "collections.defaultdict");
  }

  private static final String PYTHON_2 =
      "80027d71002858010000006e7101636e756d70792e5f636f72652e6d756c746961727261790a7363616c"
          + "61720a7102636e756d70790a64747970650a71035802000000663871048988877105527106284b035801"
          + "0000003c71074e4e4e4affffffff4affffffff4b0074710862635f636f646563730a656e636f64650a71"
          + "095809000000000000000000c3b83f710a58060000006c6174696e31710b86710c52710d86710e52710f"
          + "580100000070711063706174686c69620a506f736978506174680a711158010000006171128571135271"
          + "145801000000737115635f5f6275696c74696e5f5f0a7365740a71165d7117284b024b038671184b0165"
          + "85711952711a580100000066711b635f5f6275696c74696e5f5f0a66726f7a656e7365740a711c5d711d"
          + "4b016185711e52711f58010000006271206809580200000078797121680b867122527123580100000064"
          + "712463636f6c6c656374696f6e730a64656661756c74646963740a7125635f5f6275696c74696e5f5f0a"
          + "6c6973740a71268571275271284b015d71294b026173580100000065712a635f5f6d61696e5f5f0a436f"
          + "6c6f720a712b4b0185712c52712d580100000074712e7d712f4b014b028671304b0373752e";
  private static final String PYTHON_4 =
      "80049528010000000000007d94288c016e948c166e756d70792e5f636f72652e6d756c74696172726179"
          + "948c067363616c61729493948c056e756d7079948c0564747970659493948c0266389489888794529428"
          + "4b038c013c944e4e4e4affffffff4affffffff4b007494624308000000000000f83f94869452948c0170"
          + "948c07706174686c6962948c09506f736978506174689493948c016194859452948c0173948f94284b02"
          + "4b0386944b01908c016694284b0191948c01629443027879948c0164948c0b636f6c6c656374696f6e73"
          + "948c0b64656661756c74646963749493948c086275696c74696e73948c046c697374949394859452944b"
          + "015d944b0261738c0165948c085f5f6d61696e5f5f948c05436f6c6f729493944b01859452948c017494"
          + "7d944b014b0286944b0373752e";
}
