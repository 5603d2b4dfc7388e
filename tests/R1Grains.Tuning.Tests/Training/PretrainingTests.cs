using R1Grains.Engine.Models;
using R1Grains.Tuning.Corpora;
using R1Grains.Tuning.Qwen2;
using R1Grains.Tuning.Tokenization;
using R1Grains.Tuning.Training;
using static TorchSharp.torch;

namespace R1Grains.Tuning.Tests.Training;

public sealed class PretrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Sample> _samples;
    private readonly Qwen2Config _config;

    public PretrainingTests()
    {
        var corpus = new DialogueGenerator(seed: 11).Take(400).ToList();
        var (tokens, merges) = BpeTrainer.Train(corpus.SelectMany(d => d.Utterances).Select(u => u.Text), 600);
        TokenizerFolder.Write(_folder.Path, tokens, merges, 1_024);
        var tokenizer = Tokenizer.Load(_folder.Path);
        _samples = new SampleEncoder(tokenizer, ChatTemplate.Load(_folder.Path, tokenizer)).Encode(corpus, lengthMax: 512);
        _config = new Qwen2Config
        {
            HiddenSize = 64,
            Layers = 2,
            Heads = 2,
            KeyValueHeads = 1,
            IntermediateSize = 128,
            VocabularySize = tokenizer.VocabularySize,
            ContextLength = 1_024,
        };
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_loss_falls()
    {
        var losses = new List<double>();
        using var model = Fresh();
        Run(model, "falls", steps: 90, from: null, report => losses.Add(report.Loss));
        Assert.InRange(losses[0], 5, 9);
        Assert.True(losses.TakeLast(10).Average() < 0.8 * losses[0], $"from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void A_resumed_run_ends_with_the_weights_of_an_uninterrupted_one()
    {
        using var whole = Fresh();
        Run(whole, "whole", steps: 12, from: null);

        using var stop = new CancellationTokenSource();
        using (var first = Fresh())
            Run(first, "parts", steps: 12, from: null, report => { if (report.State.Step == 7) stop.Cancel(); }, stop.Token);
        var checkpoint = RunState.Newest(Folder("parts"));
        Assert.EndsWith("step-7", checkpoint);
        using var second = Checkpoint.Load(checkpoint!);
        var state = Run(second, "parts", steps: 12, from: checkpoint);

        Assert.Equal(12, state.Step);
        foreach (var (expected, actual) in whole.Weights().Zip(second.Weights()))
            Assert.True(expected.Value.eq(actual.Value).all().item<bool>(), expected.Name);
    }

    [Fact]
    public void A_checkpoint_without_its_last_file_is_not_taken()
    {
        using var model = Fresh();
        Run(model, "cut", steps: 2, from: null);
        var complete = RunState.Newest(Folder("cut"));
        Directory.CreateDirectory(Path.Combine(Folder("cut"), "step-9"));
        Assert.Equal(complete, RunState.Newest(Folder("cut")));
    }

    [Fact]
    public void Only_the_reply_is_supervised_and_it_ends_with_the_end_marker()
    {
        var sample = _samples.First(s => !s.Supervised[1]);
        var first = Array.IndexOf(sample.Supervised, true);
        Assert.True(first > 5);
        Assert.All(sample.Supervised[first..], Assert.True);
        var tokenizer = Tokenizer.Load(_folder.Path);
        Assert.EndsWith("<think>\n", tokenizer.Decode(sample.Ids.AsSpan(0, first), showSpecials: true));
        var reply = tokenizer.Decode(sample.Ids.AsSpan(first), showSpecials: true);
        Assert.Contains("\n</think>\n\n", reply);
        Assert.EndsWith(TokenizerFolder.End, reply);
    }

    private string Folder(string name) => Path.Combine(_folder.Path, name);

    private Qwen2Model Fresh()
    {
        var model = new Qwen2Model(_config);
        model.Initialize(1);
        return model;
    }

    private RunState Run(Qwen2Model model, string name, long steps, string? from, Action<StepReport>? report = null, CancellationToken cancellation = default)
    {
        // A run ends by steps here, so that neither the schedule nor the result depends on the clock.
        var training = new Pretraining(
            model, _samples, new Schedule(4e-3), new Budget(double.PositiveInfinity, steps), Folder(name), tokensPerStep: 1_024, seed: 1,
            checkpointEvery: TimeSpan.FromHours(1), validationEvery: TimeSpan.FromHours(1), TimeProvider.System);
        Directory.CreateDirectory(Folder(name));
        return training.Run(from, report ?? (_ => { }), (_, _) => { }, cancellation);
    }
}
