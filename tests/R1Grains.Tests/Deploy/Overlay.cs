using k8s;
using k8s.Models;

namespace R1Grains.Tests.Deploy;

/// <summary>What an overlay applies: every document of it and of what it takes in, loaded strictly into its type.</summary>
internal sealed class Overlay
{
    // What no kustomization lists, because it is for what may not be there.
    private static readonly string[] ForOthers = ["prometheus-adapter.yaml", "certificates.yaml"];

    private static readonly Dictionary<string, Type> Types = new()
    {
        ["v1/Namespace"] = typeof(V1Namespace),
        ["v1/Service"] = typeof(V1Service),
        ["v1/ServiceAccount"] = typeof(V1ServiceAccount),
        ["apps/v1/Deployment"] = typeof(V1Deployment),
        ["apps/v1/StatefulSet"] = typeof(V1StatefulSet),
        ["policy/v1/PodDisruptionBudget"] = typeof(V1PodDisruptionBudget),
        ["autoscaling/v2/HorizontalPodAutoscaler"] = typeof(V2HorizontalPodAutoscaler),
        ["networking.k8s.io/v1/NetworkPolicy"] = typeof(V1NetworkPolicy),
    };

    private readonly List<IKubernetesObject<V1ObjectMeta>> _resources = [];
    private readonly List<IKubernetesObject<V1ObjectMeta>> _patches = [];

    /// <summary>What was wrong with files before anything could be compared.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>Generated ConfigMaps by name; of a file the content is its value.</summary>
    public Dictionary<string, Dictionary<string, string>> ConfigMaps { get; } = [];

    /// <summary>Images by the names that manifests give them.</summary>
    public Dictionary<string, string> Images { get; } = [];

    public IReadOnlyList<Workload> Workloads => [.. _resources.Select(resource => Workload.Of(resource, _patches)).OfType<Workload>()];

    public static Overlay Load(string folder)
    {
        var overlay = new Overlay();
        overlay.Take(folder);
        foreach (var patch in overlay._patches.Where(patch => !overlay._resources.Exists(resource => Identity(resource) == Identity(patch))))
            overlay.Faults.Add($"a patch is for {Identity(patch)}, which does not exist");
        foreach (var twice in overlay._resources.GroupBy(Identity).Where(same => same.Count() > 1))
            overlay.Faults.Add($"{twice.Key} is there twice");
        return overlay;
    }

    /// <summary>The resources of a kind.</summary>
    public IEnumerable<T> All<T>() => _resources.OfType<T>();

    /// <summary>The patches of a resource.</summary>
    public IEnumerable<T> PatchesOf<T>(T resource) where T : IKubernetesObject<V1ObjectMeta> => _patches.OfType<T>().Where(patch => Identity(patch) == Identity(resource));

    private static string Identity(IKubernetesObject<V1ObjectMeta> resource) => $"{resource.Kind} {resource.Metadata?.Name}";

    private void Take(string folder)
    {
        var kustomization = Kustomization.Read(folder);
        foreach (var resource in kustomization.Resources)
            if (Directory.Exists(Path.Combine(folder, resource))) Take(Path.Combine(folder, resource));
            else Load(Path.Combine(folder, resource), _resources);
        foreach (var component in kustomization.Components)
            Take(Path.Combine(folder, component));
        foreach (var generator in kustomization.ConfigMapGenerator)
            Generate(folder, generator);
        foreach (var patch in kustomization.Patches)
            Load(Path.Combine(folder, patch.Path), _patches);
        foreach (var image in kustomization.Images)
            Images[image.Name] = $"{image.NewName ?? image.Name}:{image.NewTag}";

        string[] listed = [.. kustomization.Resources, .. kustomization.Patches.Select(patch => patch.Path), "kustomization.yaml", .. ForOthers];
        foreach (var file in Directory.EnumerateFiles(folder, "*.yaml").Select(Path.GetFileName).Except(listed))
            Faults.Add($"{file} is listed by no kustomization");
    }

    private void Load(string file, List<IKubernetesObject<V1ObjectMeta>> to)
    {
        if (!File.Exists(file))
        {
            Faults.Add($"{file} is listed and does not exist");
            return;
        }
        try
        {
            foreach (var document in KubernetesYaml.LoadAllFromString(File.ReadAllText(file), Types, strict: true))
                to.Add((IKubernetesObject<V1ObjectMeta>)document);
        }
        catch (Exception wrong) when (wrong is YamlDotNet.Core.YamlException or KeyNotFoundException or InvalidCastException)
        {
            Faults.Add($"{Path.GetFileName(file)} is not what Kubernetes takes: {(wrong.InnerException ?? wrong).Message}");
        }
    }

    private void Generate(string folder, Kustomization.Generator generator)
    {
        if (generator.Behavior == "merge" != ConfigMaps.ContainsKey(generator.Name))
            Faults.Add($"ConfigMap {generator.Name} is {(generator.Behavior == "merge" ? "merged into none" : "made twice")}");
        ConfigMaps.TryAdd(generator.Name, []);
        foreach (var file in generator.Envs.Concat(generator.Files).Where(file => !File.Exists(Path.Combine(folder, file))))
            Faults.Add($"{file} is listed and does not exist");
        if (Faults.Count > 0) return;
        foreach (var line in generator.Envs.SelectMany(file => File.ReadLines(Path.Combine(folder, file))).Where(line => line.Length > 0 && line[0] != '#'))
            if (line.Split('=', 2) is [var name, var value]) ConfigMaps[generator.Name][name] = value;
            else Faults.Add($"ConfigMap {generator.Name} has the line '{line}'");
        foreach (var file in generator.Files)
            ConfigMaps[generator.Name][file] = File.ReadAllText(Path.Combine(folder, file));
    }
}
