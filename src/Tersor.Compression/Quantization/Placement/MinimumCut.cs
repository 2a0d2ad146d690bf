namespace Tersor.Compression.Quantization.Placement;

/// <summary>Splits the vertices of a network into the source's side and the sink's, so that the edges from one to the other weigh least.</summary>
/// <remarks>Source: Dinic 1970, "Algorithm for solution of a problem of maximum flow in networks with power estimation"; the cut follows from the maximum flow (Ford and Fulkerson 1956).</remarks>
internal sealed class MinimumCut
{
    private const double Nothing = 1e-12;
    private readonly List<(int To, double Capacity)> edges = []; // edge i ^ 1 is the reverse of edge i
    private readonly List<List<int>> outgoing = [];

    /// <summary>Adds a vertex and gives its number.</summary>
    public int AddVertex()
    {
        outgoing.Add([]);
        return outgoing.Count - 1;
    }

    /// <summary>Adds an edge whose weight counts when <paramref name="from"/> is on the source's side and <paramref name="to"/> on the sink's.</summary>
    public void AddEdge(int from, int to, double weight)
    {
        outgoing[from].Add(edges.Count);
        edges.Add((to, weight));
        outgoing[to].Add(edges.Count);
        edges.Add((from, 0));
    }

    /// <summary>For every vertex, whether it is on the source's side of the lightest cut (the smallest such side).</summary>
    public bool[] Solve(int source, int sink)
    {
        int[] level = new int[outgoing.Count], next = new int[outgoing.Count];
        Levels(source, level);
        while (level[sink] >= 0)
        {
            Array.Clear(next);
            while (Push(source, sink, level, next))
            {
            }
            Levels(source, level);
        }
        return [.. level.Select(l => l >= 0)];
    }

    private void Levels(int source, int[] level)
    {
        Array.Fill(level, -1);
        level[source] = 0;
        Queue<int> queue = new([source]);
        while (queue.TryDequeue(out int vertex))
        {
            foreach (int edge in outgoing[vertex])
            {
                (int to, double capacity) = edges[edge];
                if (capacity > Nothing && level[to] < 0)
                {
                    level[to] = level[vertex] + 1;
                    queue.Enqueue(to);
                }
            }
        }
    }

    /// <summary>Pushes one augmenting path; an explicit stack, because networks are as deep as models.</summary>
    private bool Push(int source, int sink, int[] level, int[] next)
    {
        List<int> path = [];
        int vertex = source;
        while (vertex != sink)
        {
            bool advanced = false;
            for (; next[vertex] < outgoing[vertex].Count; next[vertex]++)
            {
                int edge = outgoing[vertex][next[vertex]];
                (int to, double capacity) = edges[edge];
                if (capacity > Nothing && level[to] == level[vertex] + 1)
                {
                    path.Add(edge);
                    vertex = to;
                    advanced = true;
                    break;
                }
            }
            if (advanced)
                continue;
            if (path.Count == 0)
                return false;
            int back = path[^1];
            path.RemoveAt(path.Count - 1);
            vertex = edges[back ^ 1].To;
            next[vertex]++;
        }
        double flow = path.Min(e => edges[e].Capacity);
        foreach (int edge in path)
        {
            edges[edge] = (edges[edge].To, edges[edge].Capacity - flow);
            edges[edge ^ 1] = (edges[edge ^ 1].To, edges[edge ^ 1].Capacity + flow);
        }
        return true;
    }
}
