//! A packet as it was read: its elements with their texts, its attachments with their digests.
//! No judgement here (`rules`), no meaning yet (`envelope`), no XML (`wire`).

use super::element::Element;

/// Place of a node in a packet.
pub type NodeId = usize;

/// One element that stood in the packet.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its row in the table.
    pub element: &'static Element,
    /// The node around it.
    pub parent: Option<NodeId>,
    /// Which one it is among its like in the same parent, from 1.
    pub number: usize,
    /// Its text, trimmed; empty for blocks and for attachment content.
    pub text: String,
    /// `xlink:href`, where one stood on it.
    pub href: Option<String>,
}

/// SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digest = [0; 32];
        let computed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        digest.iter_mut().zip(computed.as_ref()).for_each(|(to, from)| *to = *from);
        Self(digest)
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

/// What the decoder learnt of one attachment's content while it streamed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Size of the decoded bytes.
    pub bytes: u64,
    /// SHA-256 of the decoded bytes.
    pub sha256: Digest,
    /// SHA-256 of the only member, when the attachment was zipped for transport: a second zipping of the
    /// same file differs in its bytes but not in this.
    pub unzipped: Option<Digest>,
    /// Whether it bears a digital signature, or a member of it when it was zipped for transport. Whether that holds nobody looked.
    pub bears_signature: bool,
}

/// An attachment: the node of its element and what its content was.
#[derive(Debug, Clone)]
pub struct AttachmentRead {
    /// The `Attachment` node.
    pub node: NodeId,
    /// What the decoder learnt; nothing when there was no content or it could not be decoded.
    pub content: Option<Content>,
}

/// Everything that was read of a packet.
#[derive(Debug, Clone, Default)]
pub struct Packet {
    /// Elements in document order.
    pub nodes: Vec<Node>,
    /// Attachments in document order.
    pub attachments: Vec<AttachmentRead>,
}

impl Packet {
    /// The node with that number; nothing for a number of another packet.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// Every node of a path, in document order.
    pub fn all<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (NodeId, &'a Node)> + 'a {
        self.nodes.iter().enumerate().filter(move |(_, n)| n.element.path == path)
    }

    /// The first node of a path.
    pub fn first(&self, path: &str) -> Option<(NodeId, &Node)> {
        self.nodes.iter().enumerate().find(|(_, n)| n.element.path == path)
    }

    /// The text of the first node of a path; empty text counts as absent.
    pub fn text(&self, path: &str) -> Option<&str> {
        let mut texts = self.nodes.iter().filter(|n| n.element.path == path).map(|n| n.text.as_str());
        texts.find(|t| !t.is_empty())
    }

    /// The text of the child with that name in one block; empty text counts as absent.
    pub fn child_text(&self, block: NodeId, name: &str) -> Option<&str> {
        self.children(block).find(|(_, n)| n.element.name() == name && !n.text.is_empty()).map(|(_, n)| n.text.as_str())
    }

    /// The nodes directly inside one block.
    pub fn children(&self, block: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        let after = self.nodes.iter().enumerate().skip(block.saturating_add(1));
        // Document order: everything inside the block stands together right behind it.
        let inside = after.take_while(move |(_, n)| n.parent.is_some_and(|p| p >= block));
        inside.filter(move |(_, n)| n.parent == Some(block))
    }

    /// Where a node stands, for people: `MessageHeader/To[2]/OrganId`.
    pub fn place(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = Some(id);
        while let Some(node) = at.and_then(|i| self.nodes.get(i)) {
            let name = node.element.name();
            steps.push(match node.element.many {
                true => format!("{name}[{}]", node.number),
                false => name.to_owned(),
            });
            at = node.parent;
        }
        steps.reverse();
        steps.join("/")
    }
}
