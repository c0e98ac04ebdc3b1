package dev.tandem.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.hub.cache.HubException;
import dev.tandem.hub.cache.HubModel;
import dev.tandem.hub.cache.Percent;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubModelTest {

  @ParameterizedTest
  @CsvSource({
    "gpt2, openai-community/gpt2, main, , gpt2",
    "gpt2-xl@v1, openai-community/gpt2-xl, v1, , gpt2-xl",
    "distilgpt2, distilbert/distilgpt2, main, , distilgpt2",
    "tinyllama, TinyLlama/TinyLlama-1.1B-Chat-v1.0, main, , TinyLlama-1.1B-Chat-v1.0",
    "smollm2-135m, HuggingFaceTB/SmolLM2-135M, main, , SmolLM2-135M",
    "stories110M, karpathy/tinyllamas, main, stories110M.bin, stories110M",
    "a/b, a/b, main, , b",
    "a/b@refs/pr/1, a/b, refs/pr/1, , b",
    "a/b/c.gguf, a/b, main, c.gguf, c",
    "a/b/c/d.Q4_0.gguf@v2, a/b, v2, c/d.Q4_0.gguf, d.Q4_0",
  })
  void namesAreRead(String text, String repository, String revision, String file, String name) {
    HubModel model = HubModel.of(text);
    assertThat(model).isEqualTo(new HubModel(repository, revision, Optional.ofNullable(file)));
    assertThat(model.directoryName()).isEqualTo(name);
    assertThat(model).hasToString(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "gpt5",
        "/",
        "a/",
        "/b",
        "a/b@",
        "a/b/",
        "../b",
        "a/..",
        "a/b..c",
        "a b/c",
        "a/b/../c",
        "a/b//c",
        "a/b/c\\d",
        "a/b@../x",
        "a/b@/x",
        "a/b@x y",
        "C:/b",
        "a/b\n",
        "a/b@x\ny",
        "~/b"
      })
  void whatIsNoNameIsRefused(String text) {
    assertThatThrownBy(() -> HubModel.of(text))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void anUnknownNameIsToldWhatThereIs() {
    assertThatThrownBy(() -> HubModel.of("gpt5"))
        .hasMessageContaining("OWNER/NAME")
        .hasMessageContaining("gpt2, gpt2-large, gpt2-medium, gpt2-xl, smollm2-135m, stories110M");
  }

  @Test
  void addressesAreWhatTheEnvironmentSays() throws HubException {
    assertThat(HubAccess.of(Map.of()).endpoint()).hasToString("https://huggingface.co");
    assertThat(HubAccess.of(Map.of("HF_TOKEN", " ")).token()).isEmpty();
    HubAccess other =
        HubAccess.of(Map.of("HF_ENDPOINT", "https://Hub.example/hf/", "HF_TOKEN", " t\n"));
    assertThat(other.token()).contains("t");
    assertThat(other.uri("/api", "a b", "ü", "x/y"))
        .hasToString("https://Hub.example/hf/api/a%20b/%C3%BC/x%2Fy");
    assertThat(other.isOwn(URI.create("https://hub.example:443/else"))).isTrue();
    assertThat(other.isOwn(URI.create("http://hub.example:443/"))).isFalse();
    assertThat(other.isOwn(URI.create("https://hub.example:444/"))).isFalse();
    assertThat(other.isOwn(URI.create("https://hub.example.evil/"))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"hub", "ftp://hub", "https://", "https://a b", "https://u:p@hub", "https://h?x"})
  void addressesThatAreNoneAreRefused(String endpoint) {
    assertThatThrownBy(() -> HubAccess.of(Map.of("HF_ENDPOINT", endpoint)))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("HF_ENDPOINT must be");
  }

  @Test
  void aTokenThatIsNoneIsRefusedWithoutShowingIt() {
    assertThatThrownBy(() -> HubAccess.of(Map.of("HF_TOKEN", "secret\r\nX: y")))
        .isInstanceOf(HubException.class)
        .hasMessageNotContaining("secret");
  }

  @Test
  void segmentsAreEncodedBothWays() {
    for (String text : new String[] {"main", "refs/pr/1", "v1.0+x", "100%", "%2F", "ü漢", ""}) {
      assertThat(Percent.decoded(Percent.encoded(text))).isEqualTo(text);
      assertThat(Percent.encoded(text)).matches("[A-Za-z0-9._~%-]*");
    }
  }
}
