using System.Reflection;
using Microsoft.Extensions.Time.Testing;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Inference;
using R1Grains.Tests.Cluster;

namespace R1Grains.Tests.Inference;

public sealed class InferenceRouterTests
{
    private static readonly GenerationRequest Request = new() { Id = "x", Scope = "tenant", Prompt = new int[100], Sampling = new() };

    // A device takes as many milliseconds as it has tokens to compute, its own queue first.
    private readonly Dictionary<string, Device> _devices = [];
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_conversation_without_a_device_goes_to_the_less_loaded_of_two()
    {
        var router = Router(("a", 5), ("b", 4));
        for (var i = 0; i < 20; i++) Assert.Equal("b/0", await Chosen(router, null));
    }

    [Theory]
    [InlineData(79, "a/0")]
    [InlineData(80, "a/0")]
    [InlineData(81, "b/0")]
    public async Task A_conversation_moves_when_waiting_costs_more_than_its_prefix_saves(int queued, string expected) =>
        Assert.Equal(expected, await Chosen(Router(("a", queued), ("b", 0)), new("a/0", Tokens: 80)));

    [Fact]
    public async Task A_device_that_is_gone_is_replaced() => Assert.Equal("a/0", await Chosen(Router(("a", 5)), new("gone/0", 80)));

    [Fact]
    public async Task A_silent_device_is_left_alone_until_others_will_have_noticed_it()
    {
        var router = Router(("a", 5), ("b", 4));
        _devices["b/0"].IsSilent = true;
        var chosen = Chosen(router, null);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal("a/0", await chosen);
        _devices["b/0"].IsSilent = false;
        Assert.Equal("a/0", await Chosen(router, null));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("b/0", await Chosen(router, null));
    }

    [Fact]
    public async Task A_silent_device_is_asked_again_as_soon_as_its_silo_is_there_anew()
    {
        var known = new KnownNodes(("a", Roles.Inference), ("b", Roles.Inference));
        var router = new InferenceRouter(Grains(("a", 5), ("b", 4)), known.Nodes, _time);
        _devices["b/0"].IsSilent = true;
        var chosen = Chosen(router, null);
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal("a/0", await chosen);
        _devices["b/0"].IsSilent = false;
        known.Restart("b");
        Assert.Equal("b/0", await Chosen(router, null));
    }

    [Theory]
    [InlineData(300, "b/0")]
    [InlineData(301, null)]
    public async Task A_device_with_room_is_found_by_whoever_waits_at_another(int queued, string? expected) =>
        Assert.Equal(expected, await Router(("a", 0), ("b", queued)).FindIdle("a/0"));

    [Fact]
    public async Task A_full_device_is_left_alone_for_a_moment_and_hides_no_other_that_has_room()
    {
        var router = Router(("a", 0), ("b", 5_000), ("c", 5_000));
        // Whichever is asked first, the second look goes to the other one, and the third to none.
        for (var look = 0; look < 3; look++) Assert.Null(await router.FindIdle("a/0"));
        (_devices["b/0"].Queued, _devices["c/0"].Queued) = (0, 0);
        Assert.Null(await router.FindIdle("a/0"));
        _time.Advance(TimeSpan.FromMilliseconds(300));
        Assert.NotNull(await router.FindIdle("a/0"));
    }

    [Fact]
    public async Task Without_a_device_the_request_is_refused_with_advice()
    {
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Chosen(new(null!, new KnownNodes(("a", Roles.Gateway | Roles.Conversation)).Nodes, _time), null));
        Assert.Equal((Reason.ModelUnavailable, TimeSpan.FromSeconds(1)), (refused.Refusal.Reason, refused.Refusal.RetryAfter));
    }

    [Fact]
    public async Task A_silo_that_leaves_gets_nothing_new()
    {
        var known = new KnownNodes(("a", Roles.All), ("b", Roles.Inference));
        var router = new InferenceRouter(Grains(("a", 0), ("b", 9)), known.Nodes, _time);
        Assert.Equal("a/0", await Chosen(router, null));
        known.Nodes.Leave(known.Address("a"));
        Assert.Equal("b/0", await Chosen(router, new("a/0", 100)));
    }

    private InferenceRouter Router(params (string Silo, int Queued)[] silos) =>
        new(Grains(silos), new KnownNodes([.. silos.Select(silo => (silo.Silo, Roles.Inference))]).Nodes, _time);

    private IGrainFactory Grains(params (string Silo, int Queued)[] silos) => Grains(_devices, silos);

    /// <param name="devices">Gets those of the silos, by their keys.</param>
    internal static IGrainFactory Grains(Dictionary<string, Device> devices, params (string Silo, int Queued)[] silos)
    {
        foreach (var (silo, queued) in silos)
        {
            var device = (Device)(object)DispatchProxy.Create<IInferenceGrain, Device>();
            device.Queued = queued;
            devices[$"{silo}/0"] = device;
        }
        var grains = DispatchProxy.Create<IGrainFactory, GrainFactory>();
        ((GrainFactory)(object)grains).Devices = devices;
        return grains;
    }

    private static async Task<string> Chosen(InferenceRouter router, Prefix? held)
    {
        using var generation = await router.Submit(Request, held);
        return generation.Device;
    }

    public class GrainFactory : DispatchProxy
    {
        public IReadOnlyDictionary<string, Device> Devices { get; set; } = null!;

        protected override object? Invoke(MethodInfo? method, object?[]? arguments) => Devices[(string)arguments![0]!];
    }

    public class Device : DispatchProxy
    {
        public int Queued { get; set; }

        public bool IsSilent { get; set; }

        /// <summary>So many requests.</summary>
        public int Submitted { get; private set; }

        protected override object? Invoke(MethodInfo? method, object?[]? arguments) =>
            method!.Name switch
            {
                nameof(IInferenceGrain.Steps) => Opened(),
                nameof(IInferenceGrain.Submit) => Admit(),
                nameof(IInferenceGrain.Leave) => Task.CompletedTask,
                _ => Predict((int)arguments![0]!),
            };

        private Task<TimeSpan> Predict(int tokens) =>
            IsSilent ? new TaskCompletionSource<TimeSpan>().Task
            : Task.FromResult(TimeSpan.FromMilliseconds(Queued + tokens));

        private Task<string> Admit()
        {
            Submitted++;
            return Task.FromResult(new string('5', 64));
        }

        private static async IAsyncEnumerable<Step> Opened()
        {
            yield return Step.Empty;
            await new TaskCompletionSource().Task;
        }
    }
}
