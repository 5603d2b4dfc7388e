using k8s;
using k8s.Models;

namespace R1Grains.Tests.Deploy;

/// <summary>A Deployment or StatefulSet with one container, its patches applied as kustomize applies them: what is in lists by name comes first and wins.</summary>
internal sealed class Workload
{
    private readonly V1PodTemplateSpec[] _templates;
    private readonly V1Container[] _containers;

    private Workload(IKubernetesObject<V1ObjectMeta> resource, int? replicas, V1LabelSelector selector, IEnumerable<V1PersistentVolumeClaim>? claims, V1PodTemplateSpec[] templates)
    {
        Name = $"{resource.Kind} {resource.Metadata.Name}";
        Kind = resource.Kind;
        Resource = resource.Metadata.Name;
        Replicas = replicas;
        Selector = selector;
        Claims = [.. claims ?? []];
        // The resource itself is the last.
        _templates = templates;
        _containers = [.. templates.SelectMany(template => template.Spec.Containers)];
    }

    public string Name { get; }

    public string Kind { get; }

    public string Resource { get; }

    public int? Replicas { get; }

    public V1LabelSelector Selector { get; }

    public IReadOnlyList<V1PersistentVolumeClaim> Claims { get; }

    /// <summary>It runs the host.</summary>
    public bool IsSilo => Labels.TryGetValue("app.kubernetes.io/name", out var name) && name == "r1grains";

    public IDictionary<string, string> Labels => _templates[^1].Metadata.Labels;

    public V1PodSpec Pod => _templates[^1].Spec;

    /// <summary>The container as it stands without patches.</summary>
    public V1Container Container => _containers[^1];

    public IEnumerable<V1PodSpec> Pods => _templates.Select(template => template.Spec);

    public string Image => _containers.Select(container => container.Image).First(image => image is not null);

    public IReadOnlyList<V1EnvVar> Environment => [.. _containers.SelectMany(container => container.Env ?? []).DistinctBy(variable => variable.Name)];

    public IEnumerable<string> ConfigMapsOfEnvironment => _containers.SelectMany(container => container.EnvFrom ?? []).Select(source => source.ConfigMapRef.Name);

    public IReadOnlyList<V1Volume> Volumes => [.. Pods.SelectMany(pod => pod.Volumes ?? [])];

    public IReadOnlyList<V1VolumeMount> Mounts => [.. _containers.SelectMany(container => container.VolumeMounts ?? [])];

    public IReadOnlyList<V1ContainerPort> Ports => [.. Container.Ports ?? []];

    public V1ResourceRequirements? Resources => _containers.Select(container => container.Resources).FirstOrDefault(resources => resources is not null);

    public static Workload? Of(IKubernetesObject<V1ObjectMeta> resource, IEnumerable<IKubernetesObject<V1ObjectMeta>> patches)
    {
        var own = patches.Where(patch => patch.Kind == resource.Kind && patch.Metadata.Name == resource.Metadata.Name).Reverse().ToArray();
        return resource switch
        {
            V1Deployment { Spec: var spec } => new(resource, spec.Replicas, spec.Selector, null, [.. own.OfType<V1Deployment>().Select(patch => patch.Spec.Template), spec.Template]),
            V1StatefulSet { Spec: var spec } => new(resource, spec.Replicas, spec.Selector, spec.VolumeClaimTemplates, [.. own.OfType<V1StatefulSet>().Select(patch => patch.Spec.Template), spec.Template]),
            _ => null,
        };
    }

    public bool Matches(V1LabelSelector? selector) => Matches(selector?.MatchLabels);

    /// <summary>An empty selector matches nothing here: nobody means all pods of a namespace that others may use too.</summary>
    public bool Matches(IDictionary<string, string>? labels) =>
        labels is { Count: > 0 } && labels.All(label => Labels.TryGetValue(label.Key, out var value) && value == label.Value);

    public bool Listens(IntOrString port) =>
        Ports.Any(own => own.Name == port.Value || own.ContainerPort.ToString(System.Globalization.CultureInfo.InvariantCulture) == port.Value);
}
