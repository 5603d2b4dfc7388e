using System.Collections.Concurrent;
using Orleans.Runtime;
using R1Grains.Cluster;
using R1Grains.Conversations;
using R1Grains.Engine;
using R1Grains.Ledger;

namespace R1Grains.Inference;

/// <summary>The device that answered a conversation last, and how many tokens of its history that device has computed.</summary>
public sealed record Prefix(string Device, int Tokens);

/// <summary>Chooses the device that answers a conversation.</summary>
public sealed class InferenceRouter(IGrainFactory grains, Nodes nodes, TimeProvider time)
{
    /// <summary>How long a living device may say nothing, six times <see cref="InferenceGrain.Beat"/>.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1.5);

    /// <summary>A device that takes longer to say how busy it is, is not asked for anything else.</summary>
    private static readonly TimeSpan PredictionMax = TimeSpan.FromMilliseconds(300);

    /// <summary>A device that was lost is left alone for so long, or until its silo is there anew, if there is another one; the membership will know more by then.</summary>
    private static readonly TimeSpan Suspicion = TimeSpan.FromSeconds(10);

    /// <summary>A device takes its step first.</summary>
    private static readonly TimeSpan ForgetMax = TimeSpan.FromSeconds(10);

    /// <summary>A device that could begin with a reply within this time has room for it.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(300);

    // One for each device that was used.
    private readonly Dictionary<string, DeviceLink> _links = [];

    // When each device said last that it has no room; a timestamp.
    private readonly ConcurrentDictionary<string, long> _full = [];

    // Since when devices are under suspicion, by the clock of timestamps, and whose silo it was.
    private readonly ConcurrentDictionary<string, (long Since, SiloAddress? Silo)> _suspects = [];

    /// <summary>
    /// Submits the request where its first token is expected soonest: on the device that holds its prefix or another one,
    /// else on one of two. So a conversation moves when waiting for its device costs more than computing the prefix again.
    /// A reply that was begun elsewhere asks all: somebody waits in the middle of it, and a lost device's replies come all
    /// at once, when rows are few.
    /// </summary>
    /// <exception cref="RefusedException"><see cref="Reason.ModelUnavailable"/>: there is no device.</exception>
    public async Task<Generation> Submit(GenerationRequest request, Prefix? held) =>
        await Submit(request, await Choose(request, held));

    /// <summary>Submits the request to this device and no other.</summary>
    public async Task<Generation> Submit(GenerationRequest request, string device)
    {
        try
        {
            return await Link(device).Submit(request);
        }
        catch (RefusedException refused) when (refused.Refusal.Reason is Reason.ModelUnavailable)
        {
            Suspect(device);
            throw;
        }
    }

    /// <summary>A device other than this one that has room for a reply now; null where none was found.</summary>
    public async Task<string?> FindIdle(string other)
    {
        // Many may be waiting, and one of them has just asked.
        string[] devices = [.. Unsuspected(nodes.Devices).Where(device => device != other && !(_full.TryGetValue(device, out var said) && time.GetElapsedTime(said) < AtOnce))];
        if (devices is []) return null;
        var device = devices[Random.Shared.Next(devices.Length)];
        if (await Ask(device, grain => grain.PredictFirstToken(0), otherwise: TimeSpan.MaxValue) <= AtOnce) return device;
        _full[device] = time.GetTimestamp();
        return null;
    }

    /// <summary>No device keeps a prefix of the tenant's conversations when it returns.</summary>
    /// <exception cref="TimeoutException">A device does not answer, and may keep some.</exception>
    public Task Forget(string tenant) => Task.WhenAll(nodes.Devices.Select(device => grains.GetGrain<IInferenceGrain>(device).Forget(tenant).WaitAsync(ForgetMax, time)));

    /// <summary>The fingerprint of each device's arithmetic, by device; of those that answer.</summary>
    public async Task<IReadOnlyDictionary<string, Digest>> Numerics()
    {
        var devices = nodes.Devices;
        var numerics = await Task.WhenAll(devices.Select(device => Ask(device, grain => grain.GetNumerics(), otherwise: "")));
        return devices.Zip(numerics, KeyValuePair.Create).Where(pair => pair.Value.Length > 0).ToDictionary(pair => pair.Key, pair => Digest.Parse(pair.Value));
    }

    private async ValueTask<string> Choose(GenerationRequest request, Prefix? held)
    {
        var (tokens, isBegun) = (request.Prompt.Length + request.Recorded.Length, request.Recorded.Length > 0);
        for (var tries = 0; ; tries++)
        {
            var devices = Unsuspected(nodes.Devices);
            if (devices is []) throw new RefusedException(new(Reason.ModelUnavailable, "no inference device is in the cluster: start a process with the role inference", RetryAfter: TimeSpan.FromSeconds(1)));
            if (devices is [var only]) return only;
            var asked = Shuffled(devices, held?.Device);
            if (!isBegun) asked = asked[..2];
            var waits = await Task.WhenAll(asked.Select(device => Ask(
                device, grain => grain.PredictFirstToken(Math.Max(0, tokens - (device == held?.Device ? held.Tokens : 0))), otherwise: TimeSpan.MaxValue)));
            // Those that come together would else all go to the one that is least busy.
            if (isBegun && Array.FindIndex(waits, wait => wait <= AtOnce) is >= 0 and var first) return asked[first];
            var best = Array.IndexOf(waits, waits.Min());
            // Of some that say nothing others are asked; in the end one is taken, and its link will tell.
            if (waits[best] < TimeSpan.MaxValue || tries >= devices.Count) return asked[best];
        }
    }

    /// <summary>The one that holds the prefix comes first.</summary>
    private static string[] Shuffled(IReadOnlyList<string> devices, string? holder)
    {
        string[] shuffled = [.. devices];
        Random.Shared.Shuffle(shuffled);
        var held = Array.IndexOf(shuffled, holder);
        if (held > 0) (shuffled[0], shuffled[held]) = (shuffled[held], shuffled[0]);
        return shuffled;
    }

    private DeviceLink Link(string device)
    {
        lock (_links)
            return _links.TryGetValue(device, out var link) && !link.IsLost
                ? link
                : _links[device] = new DeviceLink(device, grains.GetGrain<IInferenceGrain>(device), nodes.Here, Silence, time, lost: () => Suspect(device)).Open();
    }

    private async Task<T> Ask<T>(string device, Func<IInferenceGrain, Task<T>> question, T otherwise)
    {
        var asked = question(grains.GetGrain<IInferenceGrain>(device));
        if (await asked.Within(PredictionMax, time) && asked.IsCompletedSuccessfully) return await asked;
        // One answer that is late is no silence where the device's stream beats.
        if (!HasLink(device)) Suspect(device);
        return otherwise;
    }

    private bool HasLink(string device)
    {
        lock (_links) return _links.TryGetValue(device, out var link) && !link.IsLost;
    }

    private void Suspect(string device) => _suspects[device] = (time.GetTimestamp(), nodes.FindOwner(device));

    /// <summary>Where all are under suspicion, the one that was lost first: one after the other is tried until one has recovered.</summary>
    private IReadOnlyList<string> Unsuspected(IReadOnlyList<string> devices)
    {
        foreach (var suspect in _suspects)
            if (time.GetElapsedTime(suspect.Value.Since) >= Suspicion || !Equals(nodes.FindOwner(suspect.Key), suspect.Value.Silo)) _suspects.TryRemove(suspect);
        string[] trusted = [.. devices.Where(device => !_suspects.ContainsKey(device))];
        return trusted.Length > 0 ? trusted : [.. devices.OrderBy(device => _suspects.GetValueOrDefault(device).Since).Take(1)];
    }
}
