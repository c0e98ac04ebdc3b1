package dev.tandem.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.api.Tandem;
import dev.tandem.settings.SamplingOptions;
import dev.tandem.tokenizer.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;

class PromptTest {
  private static final Tokenizer GPT2 = Tandem.tokenizer("gpt2");
  private static final Tokenizer LLAMA = Tandem.tokenizer("stories260K");

  @Test
  void textBeginsWithTheBeginningToken() {
    int bos = LLAMA.bosId().orElseThrow();
    assertThat(Prompt.text("Once").begin(LLAMA)).startsWith(bos);
    assertThat(Prompt.text("Once").follow(LLAMA)).doesNotContain(bos);
    assertThat(Prompt.text("Once").begin(GPT2)).isEqualTo(GPT2.encode("Once", false));
  }

  @Test
  void anEmptyPromptIsTheBeginningToken() {
    for (Tokenizer tokenizer : List.of(GPT2, LLAMA)) {
      for (Prompt prompt : List.of(Prompt.text(""), Prompt.ids(), Prompt.of(List.of()))) {
        assertThat(prompt.begin(tokenizer)).containsExactly(tokenizer.bosId().orElseThrow());
      }
    }
    assertThat(Prompt.text("").follow(GPT2)).isEmpty();
  }

  @Test
  void specialTokensCountInMarkupOnly() {
    assertThat(Prompt.markup("<|endoftext|>").begin(GPT2)).containsExactly(50_256);
    assertThat(Prompt.text("<|endoftext|>").begin(GPT2)).hasSizeGreaterThan(1);
  }

  @Test
  void partsFollowOneAnother() {
    Prompt parts = Prompt.of(Prompt.text("Once"), Prompt.ids(7, 8), Prompt.text(" upon"));
    assertThat(parts.begin(GPT2))
        .startsWith(GPT2.encode("Once", false))
        .endsWith(GPT2.encode(" upon", false))
        .containsSequence(7, 8);
    assertThat(Prompt.of(Prompt.ids(7), Prompt.text("Once")).begin(LLAMA))
        .startsWith(7)
        .doesNotContain(LLAMA.bosId().orElseThrow());
  }

  @Test
  void idsAreCopied() {
    int[] ids = {1, 2};
    Prompt prompt = Prompt.ids(ids);
    ids[0] = 9;
    assertThat(prompt.begin(GPT2)).containsExactly(1, 2);
  }

  @Test
  void requestsDifferInOneThing() {
    GenerationRequest request = GenerationRequest.of("a");
    assertThat(request.maxTokens()).isEqualTo(GenerationRequest.DEFAULT_MAX_TOKENS);
    assertThat(request.seeded()).isFalse();
    assertThat(request.withSeed().seeded()).isTrue();
    assertThat(request.seed(5).withSeed().sampling().seed()).isEqualTo(5);
    GenerationRequest changed = request.temperature(0.5).topK(3).topP(0.7).stop("x").logprobs(2);
    assertThat(changed.sampling())
        .isEqualTo(SamplingOptions.builder().temperature(0.5).topK(3).topP(0.7).build());
    assertThat(changed.stopStrings()).containsExactly("x");
    assertThat(changed.logprobs()).hasValue(2);
    assertThat(changed.prompt()).isSameAs(request.prompt());
    assertThat(request.logprobs()).isEmpty();
    assertThat(changed.sampling(SamplingOptions.greedy()).seeded()).isTrue();
    assertThatThrownBy(() -> request.maxTokens(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> request.logprobs(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> request.stop("")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> request.temperature(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
